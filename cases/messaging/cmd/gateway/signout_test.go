package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"designkits/cases/messaging"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// A lost phone is signed out from the tablet, through a gateway's own address.
func TestADeviceThatIsSignedOutIsGoneEverywhere(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(1)[0], s.person(2)
	tablet, lost := bo[0], bo[1]
	direct := messaging.DirectID(ana.User, bo[0].User)
	phone := s.connect(ana, s.gateways)
	if _, err := phone.Send(t.Context(), wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo[0].User}}); err != nil {
		t.Fatal(err)
	}
	conn, _ := s.dial("gateway-2", identity.Bearer(s.token(lost)))
	resume := await[wire.Welcome](t, conn).Resume
	catchUp(t, conn)
	silent, _ := s.dial("gateway-1", identity.Bearer(s.token(lost)))
	await[wire.Welcome](t, silent)

	delete := func(token string, d messaging.DeviceID) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, fmt.Sprintf("http://%s/api/devices/%d", s.Addr("gateway-1"), d), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	// Another person's devices have the same numbers, and aren't theirs to sign out.
	if status, text := delete(s.token(ana), lost.Device); status != http.StatusNotFound {
		t.Errorf("by another person: %d %s", status, text)
	}
	if status, text := delete(s.token(tablet), lost.Device); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, text)
	}
	if code := closedWith(t, conn); code != 4003 {
		t.Errorf("its connection is closed with %d", code)
	}
	say(t, silent, `{"type":"resume"}`)
	if code := closedWith(t, silent); code != 4003 {
		t.Errorf("one that had said nothing is closed with %d when it does", code)
	}
	for _, gateway := range []string{"gateway-1", "gateway-2"} {
		for name, offer := range map[string]string{"its token": identity.Bearer(s.token(lost)), "its resume token": identity.Resume(resume)} {
			if conn, status := s.dial(gateway, offer); conn != nil || status != http.StatusUnauthorized {
				t.Errorf("%s at %s: %d", name, gateway, status)
			}
		}
	}
	if status, text := delete(s.token(lost), tablet.Device); status != http.StatusUnauthorized || !strings.Contains(text, "/problems/signed-out") {
		t.Errorf("what it asks over HTTP: %d %s", status, text)
	}

	t.Run("also when Redis has lost that it was", func(t *testing.T) {
		client := goredis.NewClient(&goredis.Options{Addr: testenv.Addr(t, "redis")})
		defer client.Close()
		if n, err := client.Del(t.Context(), s.Namespace+":signed-out:"+lost.String()).Result(); err != nil || n != 1 {
			t.Fatalf("%d keys are lost, %v", n, err)
		}
		// Its resume token was shown before; one that it has kept would be refused alike.
		if conn, status := s.dial("gateway-1", identity.Bearer(s.token(lost))); conn != nil || status != http.StatusUnauthorized {
			t.Errorf("it connects: %d", status)
		}
		if status, text := delete(s.token(lost), tablet.Device); status != http.StatusUnauthorized || !strings.Contains(text, "/problems/signed-out") {
			t.Errorf("what it asks over HTTP: %d %s", status, text)
		}
	})

	// What is said from then on is not kept for it, as soon as nobody remembers that
	// it was linked.
	before := s.inbox(lost)
	numbers := 0
	testenv.Eventually(t, 30*fanout.DevicesFor, "what is said isn't kept for it", func() bool {
		was := s.inbox(lost)
		numbers++
		id := fmt.Sprintf("after-%012d", numbers)
		sent, err := phone.Send(t.Context(), post(direct, id))
		if err != nil {
			t.Fatal(err)
		}
		testenv.Eventually(t, 30*time.Second, "the tablet's inbox has it", func() bool {
			return slices.ContainsFunc(s.items(tablet), func(m messaging.Message) bool { return m.Seq == sent.Seq })
		})
		return s.inbox(lost) == was
	})
	t.Logf("its inbox had %d items when it was signed out, and %d of %d came later", before, s.inbox(lost)-before, numbers)
}
