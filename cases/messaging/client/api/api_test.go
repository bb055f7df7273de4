package api_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/api"
	"designkits/shared/testenv"
)

// Two people, one of them with two devices, talk; what everybody sees is the same.
func TestTwoPeopleAndThreeDevices(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person("ana"), s.person("bo")
	talk := ana.begin("bo")
	ana.say(talk, "hello")
	bo.shows(talk, "ana: hello")
	ana.reaches(talk, api.Delivered)
	if err := bo.Seen(talk); err != nil {
		t.Fatal(err)
	}
	ana.reaches(talk, api.Read)
	answer := bo.say(talk, "hello yourself")
	ana.shows(talk, "ana: hello", "bo: hello yourself")

	t.Run("a device that is new reads what comes", func(t *testing.T) {
		laptop := s.another(bo)
		const before = "bo: not encrypted for this device: its sender didn't know of it yet"
		strange := strings.Replace(before, "bo", "ana", 1)
		laptop.shows(talk, strange, before)
		// It has told them, so that it is written to.
		testenv.Eventually(t, time.Minute, "others were told", func() bool { return ana.View(talk, 1).Last >= 4 && bo.View(talk, 1).Last >= 4 })
		ana.say(talk, "to both")
		laptop.shows(talk, strange, before, "ana: to both")
		bo.say(talk, "from the phone")
		laptop.shows(talk, strange, before, "ana: to both", "bo: from the phone")
		laptop.say(talk, "from the laptop")
		for _, p := range []*phone{ana, bo} {
			p.shows(talk, "ana: hello", "bo: hello yourself", "ana: to both", "bo: from the phone", "bo: from the laptop")
		}
		one, err := ana.SafetyNumber(t.Context(), bo.Me().User)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []*phone{bo, laptop} {
			if other, err := p.SafetyNumber(t.Context(), ana.Me().User); err != nil || other != one {
				t.Errorf("safety numbers %s and %s, %v", one, other, err)
			}
		}
		if err := bo.SignOut(t.Context(), laptop.Me().Device.Device); err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, time.Minute, "it has lost its connection", func() bool { return laptop.Me().Gateway == "" })
		testenv.Eventually(t, time.Minute, "others were told", func() bool { return ana.View(talk, 1).Last >= 8 })
		ana.say(talk, "to the phone alone")
		bo.shows(talk, "ana: hello", "bo: hello yourself", "ana: to both", "bo: from the phone", "bo: from the laptop", "ana: to the phone alone")
		another, err := ana.SafetyNumber(t.Context(), bo.Me().User)
		if err != nil || another == one {
			t.Errorf("the safety number without that device is %s, %v", another, err)
		}
		if other, err := bo.SafetyNumber(t.Context(), ana.Me().User); err != nil || other != another {
			t.Errorf("safety numbers %s and %s, %v", another, other, err)
		}
	})
	t.Run("edits, reactions, deletions", func(t *testing.T) {
		if err := bo.Edit(talk, answer, "hello, Ana", nil); err != nil {
			t.Fatal(err)
		}
		if err := ana.React(talk, answer, "👋"); err != nil {
			t.Fatal(err)
		}
		wrong := ana.say(talk, "a mistake")
		for _, p := range []*phone{ana, bo} {
			testenv.Eventually(t, time.Minute, "it is there", func() bool { return strings.HasSuffix(strings.Join(p.reads(talk), "|"), "ana: a mistake") })
		}
		if err := ana.Delete(talk, wrong); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*phone{ana, bo} {
			testenv.Eventually(t, time.Minute, "it is gone", func() bool {
				all := strings.Join(p.reads(talk), "|")
				return strings.HasSuffix(all, "ana: deleted") && strings.Contains(all, "bo: hello, Ana (edited) 👋")
			})
			if found := p.Search("mistake", 9); len(found) != 0 {
				t.Errorf("%s still finds %+v", p.path, found)
			}
			if found := p.Search("HELLO", 9); len(found) != 2 {
				t.Errorf("%s finds %+v", p.path, found)
			}
		}
	})
}

// A group: who comes later reads what is said from there on, who has gone reads
// nothing more, though the server would hand it out.
func TestAGroup(t *testing.T) {
	s := newSite(t)
	ana, bo, cy := s.person("ana"), s.person("bo"), s.person("cy")
	walks, err := ana.BeginGroup(t.Context(), messaging.Group, "walks", []string{"bo"})
	if err != nil {
		t.Fatal(err)
	}
	ana.say(walks, "one")
	bo.shows(walks, "ana: one")
	bo.say(walks, "two")
	ana.shows(walks, "ana: one", "bo: two")
	if err := ana.Add(t.Context(), walks, []string{"cy"}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "cy is there", func() bool { return len(cy.View(walks, 1).Members) == 3 && len(bo.View(walks, 1).Members) == 3 })
	bo.say(walks, "three")
	ana.say(walks, "four")
	cy.say(walks, "five")
	for _, p := range []*phone{ana, bo, cy} {
		testenv.Eventually(t, time.Minute, "all three have spoken", func() bool {
			return strings.Count(strings.Join(p.reads(walks), "|"), "cy: five") == 1 && strings.Contains(strings.Join(p.reads(walks), "|"), "bo: three")
		})
	}
	if all := strings.Join(cy.reads(walks), "|"); strings.Contains(all, "one") || strings.Contains(all, "two") {
		t.Errorf("who came later reads %s", all)
	}
	if title := cy.View(walks, 1).Title; title != "walks" {
		t.Errorf("the title is %q", title)
	}
	if err := ana.Remove(walks, bo.Me().User); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, time.Minute, "bo has gone", func() bool { return !bo.View(walks, 1).MayPost })
	cy.say(walks, "without bo")
	testenv.Eventually(t, time.Minute, "ana reads it", func() bool { return strings.HasSuffix(strings.Join(ana.reads(walks), "|"), "without bo") })
	if all := strings.Join(bo.reads(walks), "|"); strings.Contains(all, "without") {
		t.Errorf("who has gone reads %s", all)
	}
}

// Both gateways and a chat process are killed while two people talk, and one of them
// starts anew from what is on its disk. Nothing is lost, doubled or out of order.
func TestKill9WhileTheyTalk(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person("ana"), s.person("bo")
	talk := ana.begin("bo")
	var want []string
	say := func(p *phone, from, to int) {
		for n := from; n < to; n++ {
			p.say(talk, fmt.Sprint("message ", n))
			want = append(want, fmt.Sprint(p.Me().Name, ": message ", n))
		}
	}
	say(ana, 0, 20)
	for i, victim := range []string{"gateway-1", "chat-1", "gateway-2"} {
		if err := s.Kill(t.Context(), victim); err != nil {
			t.Fatal(err)
		}
		if i == 1 { // in the middle of its outbox
			ana.stop()
			ana = s.switchOn(ana.path, nil)
		}
		say(ana, 20+10*i, 30+10*i)
	}
	bo.shows(talk, want...)
	ana.shows(talk, want...)
	ana.reaches(talk, api.Delivered)
}

// What is attached is encrypted before it leaves the device, in parts, and read back
// as it was. When the network goes away meanwhile, what has arrived isn't sent again.
func TestAnAttachment(t *testing.T) {
	s := newSite(t)
	bo := s.person("bo")
	way := &breaking{part: "2", away: map[string]bool{}, puts: map[string]int{}}
	s.http = &http.Client{Transport: way}
	ana := s.person("ana")
	talk := ana.begin("bo")
	picture := make([]byte, 11<<20) // three parts
	_, _ = rand.Read(picture)
	if _, err := ana.Attach(t.Context(), talk, api.Attachment{Data: picture, Name: "peak.jpg", Type: "image/jpeg", Width: 30, Height: 20, Thumbnail: []byte("\xff\xd8\xffsmall")}, "the peak", ""); err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"1": 1 + 1, "2": 2, "3": 1}; !maps.Equal(way.puts, want) || len(way.away) == 0 { // the thumbnail is one part, too
		t.Errorf("parts were put %v times, want %v; what is missing was asked in vain at %v", way.puts, want, way.away)
	}
	bo.shows(talk, "ana: the peak[peak.jpg]")
	pointer := bo.View(talk, 1).Lines[0].Media
	if pointer.Size != int64(len(picture)) || pointer.Width != 30 || pointer.Thumbnail == nil || pointer.Thumbnail.Type != "image/jpeg" {
		t.Errorf("%+v", pointer)
	}
	got, err := bo.Fetch(t.Context(), *pointer)
	if err != nil || !bytes.Equal(got, picture) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if small, err := bo.Fetch(t.Context(), *pointer.Thumbnail); err != nil || !bytes.HasSuffix(small, []byte("small")) {
		t.Errorf("%q, %v", small, err)
	}
	pointer.Digest[0] ^= 1
	if _, err := bo.Fetch(t.Context(), *pointer); err == nil {
		t.Error("a blob with another digest is shown")
	}
}
