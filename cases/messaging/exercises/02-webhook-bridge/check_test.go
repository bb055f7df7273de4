//go:build exercise

package bridge_test

import (
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/exercises"
)

type group struct {
	t    *testing.T
	c    *exercises.Case
	id   messaging.ConversationID
	line *exercises.Line // of who has begun it
}

func TestWebhookBridge(t *testing.T) {
	c := exercises.Start(t)
	ana, bo, stranger := c.Person(2), c.Person(1)[0], c.Person(1)[0]
	one := ana[0].Connect(0)
	g := &group{t, c, one.Begin(messaging.Group, bo), one}
	lines := []*exercises.Line{one, ana[1].Connect(1), bo.Connect(1)}
	for _, l := range lines[1:] {
		l.Await("the first message", exercises.Message(g.id, 1)) // who is a member is stored by then
	}

	if a := stranger.Ask(0, http.MethodPost, "/api/bridges", g.ask()); a.Status != http.StatusForbidden {
		t.Errorf("somebody who isn't a member makes a bridge, and is answered %s, want 403", a)
	}
	if a := c.Ask(0, http.MethodPost, "/api/bridges", g.ask(), http.Header{"Content-Type": {"application/json"}}); a.Status != http.StatusUnauthorized {
		t.Errorf("somebody without a token makes a bridge, and is answered %s, want 401", a)
	}
	hook := g.bridge(ana[0])
	seq := g.delivers(0, hook, "build-1", "the build is broken")
	var bridge messaging.Address
	for _, l := range lines {
		f := l.Await("what the webhook has brought", exercises.Message(g.id, seq))
		if bridge = f.Sender; string(f.Body.Shared) != "the build is broken" || f.Sender.User != ana[0].User() || f.Sender == ana[0].Account.Device || f.Sender == ana[1].Account.Device {
			t.Errorf("the message is %s, want what was posted, from a device of its own of who has made the bridge", f)
		}
	}
	g.again(hook, seq)
	g.refuses(hook)
	if a := c.Ask(1, http.MethodPost, "/api/bridges", g.ask(), http.Header{"Authorization": {"Bearer " + path.Base(hook)}, "Content-Type": {"application/json"}}); a.Status != http.StatusUnauthorized {
		t.Errorf("what stands in the address is shown as a device's token, and answered %s, want 401", a)
	}
	g.ends(ana[0], bo, hook, bridge)
}

func (g *group) ask() string { return `{"conversation":"` + string(g.id) + `"}` }

func (g *group) bridge(maker *exercises.Device) (hook string) {
	g.t.Helper()
	var made struct{ URL string }
	a := maker.Ask(1, http.MethodPost, "/api/bridges", g.ask())
	if !a.Into(http.StatusCreated, &made) || !strings.HasPrefix(made.URL, "/hooks/") {
		g.t.Fatalf(`POST /api/bridges of a member is answered %s, want 201 and {"url":"/hooks/…"}`, a)
	}
	return made.URL
}

func (g *group) deliver(gateway int, hook, key, text string) exercises.Answer {
	g.t.Helper()
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	return g.c.Ask(gateway, http.MethodPost, hook, text, header)
}

func (g *group) delivers(gateway int, hook, key, text string) messaging.Seq {
	g.t.Helper()
	var posted struct{ Seq messaging.Seq }
	a := g.deliver(gateway, hook, key, text)
	if !a.Into(http.StatusCreated, &posted) || posted.Seq < 2 {
		g.t.Fatalf(`a delivery is answered %s, want 201 and {"seq":…}`, a)
	}
	return posted.Seq
}

// again delivers what was delivered, and something new at many places at once.
func (g *group) again(hook string, first messaging.Seq) {
	g.t.Helper()
	if seq := g.delivers(1, hook, "build-1", "the build is broken"); seq != first {
		g.t.Errorf("a delivery that is sent again to the other gateway is message %d, and was %d: it is there twice", seq, first)
	}
	var seqs [8]messaging.Seq
	var all sync.WaitGroup
	for i := range seqs {
		all.Go(func() {
			var posted struct{ Seq messaging.Seq }
			if a := g.deliver(i, hook, "build-2", "and mended"); !a.Into(http.StatusCreated, &posted) {
				g.t.Errorf("one of eight deliveries at once is answered %s", a)
			}
			seqs[i] = posted.Seq
		})
	}
	all.Wait()
	for _, seq := range seqs {
		if seq != seqs[0] {
			g.t.Errorf("a delivery that comes eight times at once is message %d and %d: it is there twice", seqs[0], seq)
		}
	}
	// The number of the next says how many there are.
	if next := g.delivers(0, hook, "build-3", "and mended"); next != seqs[0]+1 {
		g.t.Errorf("after three deliveries, two of them repeated, the last is message %d, want %d: the same words under another key are another message", next, seqs[0]+1)
	}
}

func (g *group) refuses(hook string) {
	g.t.Helper()
	for _, bad := range []struct {
		what, hook, key, text string
		status                int
	}{
		{"without a body", hook, "k", "", http.StatusUnprocessableEntity},
		{"without a key", hook, "", "text", http.StatusUnprocessableEntity},
		{"of 64 KiB and one byte", hook, "k", strings.Repeat("x", messaging.MaxBody+1), http.StatusRequestEntityTooLarge},
	} {
		if a := g.deliver(0, bad.hook, bad.key, bad.text); a.Status != bad.status {
			g.t.Errorf("a delivery %s is answered %s, want %d", bad.what, a, bad.status)
		}
	}
	if a := g.deliver(0, hook[:len(hook)-8]+"AAAAAAAA", "k", "text"); a.Status != http.StatusUnauthorized && a.Status != http.StatusNotFound {
		g.t.Errorf("a delivery to an address with other letters at its end is answered %s, want 401 or 404", a)
	}
}

// ends signs a bridge out, and removes the maker of another.
func (g *group) ends(ana, bo *exercises.Device, hook string, bridge messaging.Address) {
	g.t.Helper()
	his := g.bridge(bo)
	g.delivers(0, his, "build-1", "another bridge's keys are its own")
	if a := ana.Ask(0, http.MethodDelete, "/api/devices/"+strconv.Itoa(int(bridge.Device)), ""); a.Status != http.StatusNoContent {
		g.t.Fatalf("the bridge's device is signed out, and that is answered %s, want 204 as of any device", a)
	}
	if a := g.deliver(1, hook, "build-4", "text"); a.Status != http.StatusUnauthorized {
		g.t.Errorf("a delivery by a bridge that was signed out is answered %s, want 401", a)
	}
	if f := g.line.Send(g.id, "", map[string]any{"kind": "removed", "users": []messaging.UserID{bo.User()}, "body": nil}); f.Type != "sent" {
		g.t.Fatalf("a member is removed, and that is answered %s, as it wasn't before", f)
	}
	if a := g.deliver(0, his, "build-2", "text"); a.Status != http.StatusForbidden {
		g.t.Errorf("a delivery by the bridge of somebody who was removed is answered %s, want 403", a)
	}
}
