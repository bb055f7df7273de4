package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/casetest"
	"designkits/shared/cql"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret of the tests, of 32 bytes"

// A site is two gateways and two chat processes on the real backends.
type site struct {
	*rig.Case
	t      *testing.T
	db     *cassandra.DB
	store  *redis.Client
	tokens identity.Tokens
	book   *audit.Book
}

func newSite(t *testing.T) *site {
	t.Helper()
	c := casetest.Start(t, rig.Options{Only: []string{"gateway", "chat"}, Env: map[string]string{
		"TOKEN_SECRET": secret, "WASM_E2E": "", "FRAMES_A_SECOND": "1000", "PERSON_CONNECTS": "1000", "ADDRESS_CONNECTS": "100000",
		"SESSION_TIMEOUT": "2s", "CASSANDRA_TIMEOUT": "10s",
	}})
	db, err := cassandra.Open(t.Context(), cassandra.Config{Config: cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: c.Namespace}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	store := redis.Open(testenv.Addr(t, "redis"), c.Namespace)
	t.Cleanup(func() { _ = store.Close(context.Background()) })
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return &site{Case: c, t: t, db: db, store: store, tokens: identity.Tokens{Secret: []byte(secret), Now: time.Now}, book: audit.New()}
}

func (s *site) gateways() []string { return []string{s.Addr("gateway-1"), s.Addr("gateway-2")} }

// person makes an account with so many devices.
func (s *site) person(devices int) (all []messaging.Address) {
	s.t.Helper()
	u := messaging.NewUserID()
	if err := s.db.Accounts().Create(s.t.Context(), u, "name"+string(u)); err != nil {
		s.t.Fatal(err)
	}
	for range devices {
		d, err := s.db.Accounts().Link(s.t.Context(), u, "phone")
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, d.Address)
	}
	return all
}

func (s *site) token(a messaging.Address) string {
	s.t.Helper()
	token, _, err := s.tokens.Sign(a)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// connect runs a device until the test ends.
func (s *site) connect(a messaging.Address, gateways func() []string) *device.Device {
	s.t.Helper()
	d := device.New(device.Config{Address: a, Token: s.token(a), Gateways: gateways, Shown: func(m messaging.Message) { s.book.Shown(a, m) }})
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	s.t.Cleanup(func() { cancel(); running.Wait() })
	testenv.Eventually(s.t, 30*time.Second, a.String()+" has caught up", d.Current)
	return d
}

func post(c messaging.ConversationID, id string) wire.Send {
	return wire.Send{Conversation: c, ID: messaging.MessageID(id), Kind: messaging.Posted, Body: messaging.Body{Shared: []byte("a secret of " + id)}}
}

// history reads all of a conversation.
func (s *site) history(c messaging.ConversationID) (all []messaging.Message) {
	s.t.Helper()
	for {
		next := messaging.Seq(len(all) + 1)
		page, err := s.db.History().Range(s.t.Context(), c, next, next+999, 1000)
		if err != nil {
			s.t.Fatal(err)
		}
		if all = append(all, page...); len(page) == 0 {
			return all
		}
	}
}

// Two people with three devices talk in two conversations, while gateways and a
// chat process are killed under them.
func TestKill9LosesNothingDoublesNothingAndKeepsTheOrder(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(2), s.person(1)
	all := append(append([]messaging.Address{}, ana...), bo...)
	devices := map[messaging.Address]*device.Device{}
	for _, a := range all {
		devices[a] = s.connect(a, s.gateways)
	}
	direct, group := messaging.DirectID(ana[0].User, bo[0].User), messaging.NewConversationID(messaging.Group)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	send := func(by messaging.Address, m wire.Send) error {
		sent, err := devices[by].Send(ctx, m)
		if err == nil {
			s.book.Sent(m.Conversation, m.ID, sent.Seq)
		}
		return err
	}
	for _, begin := range []wire.Send{
		{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo[0].User}},
		{Conversation: group, ID: "created-group-00", Kind: messaging.Created, Users: []messaging.UserID{bo[0].User}, Title: "walks"},
	} {
		if err := send(ana[0], begin); err != nil {
			t.Fatal(err)
		}
	}
	const each = 150
	var said atomic.Int64
	var talking sync.WaitGroup
	for i, by := range all {
		for _, c := range []messaging.ConversationID{direct, group} {
			talking.Go(func() {
				for n := range each {
					if err := send(by, post(c, fmt.Sprintf("m-%s-%d-%012d", c.Kind().Letter(), i, n))); err != nil {
						t.Errorf("message %d of %s in %s: %v", n, by, c, err)
						return
					}
					said.Add(1)
				}
			})
		}
	}
	total := int64(each * 2 * len(all))
	ends := func() (n int) {
		for _, d := range devices {
			n += d.Ends()
		}
		return n
	}
	for i, victim := range []string{"gateway-1", "chat-1", "gateway-2"} {
		testenv.Eventually(t, 2*time.Minute, "some of it is said", func() bool { return said.Load() >= total*int64(i+1)/5 || t.Failed() })
		if said.Load() >= total {
			t.Errorf("%s is killed when all has been said", victim)
		}
		if err := s.Kill(ctx, victim); err != nil {
			t.Fatal(err)
		}
	}
	talking.Wait()
	if ends() == 0 {
		t.Error("no connection has ended: the kills have hit nothing")
	}
	for _, c := range []messaging.ConversationID{direct, group} {
		want := each*len(all) + 1
		for _, a := range all {
			testenv.Eventually(t, time.Minute, fmt.Sprintf("%s shows all of %s (%d)", a, c, want), func() bool { return s.book.Count(a, c) >= want || t.Failed() })
		}
		history := s.history(c)
		if v := s.book.Check(c, history, all...); !v.OK() || len(history) != want {
			t.Errorf("%s: %d messages, want %d; lost %d, twice %d, out of order %d; first: %s", c, len(history), want, v.Lost, v.Twice, v.OutOfOrder, v.First)
		}
	}
	t.Logf("%d messages, %d connections ended under them", total, ends())
}

// dial connects as a program does, and returns what the gateway answers.
func (s *site) dial(gateway, offer string) (*websocket.Conn, int) {
	s.t.Helper()
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second, Subprotocols: []string{identity.Protocol, offer}}
	conn, res, err := dialer.Dial("ws://"+s.Addr(gateway)+"/connect", nil)
	if res == nil {
		s.t.Fatalf("connect to %s: %v", gateway, err)
	}
	if err != nil {
		return nil, res.StatusCode
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	return conn, res.StatusCode
}

// await reads until a frame of the type comes.
func await[T any](t *testing.T, conn *websocket.Conn) *T {
	t.Helper()
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			t.Fatalf("waiting for a %T: %v", *new(T), err)
		}
		frame, err := wire.Down(text)
		if err != nil {
			t.Fatal(err)
		}
		if found, ok := frame.(*T); ok {
			return found
		}
	}
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func closedWith(t *testing.T, conn *websocket.Conn) int {
	t.Helper()
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			closed, ok := err.(*websocket.CloseError)
			if !ok {
				t.Fatalf("%v, want a close frame", err)
			}
			return closed.Code
		}
	}
}

// What somebody tries who doesn't belong here is refused, and nobody else notices.
func TestWhoDoesNotBelongIsRefused(t *testing.T) {
	s := newSite(t)
	ana, bo, eve := s.person(1)[0], s.person(1)[0], s.person(1)[0]
	direct := messaging.DirectID(ana.User, bo.User)
	phone := s.connect(ana, s.gateways)
	create := wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo.User}}
	if _, err := phone.Send(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	if _, err := phone.Send(t.Context(), post(direct, "0123456789abcdef")); err != nil {
		t.Fatal(err)
	}

	t.Run("handshakes", func(t *testing.T) {
		other := identity.Tokens{Secret: []byte("another secret of 32 bytes and more"), Now: time.Now}
		forged, _, _ := other.Sign(ana)
		out := s.person(1)[0]
		if err := s.store.SignOuts(nil).SignOut(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		for name, offer := range map[string]string{"no token": "x", "a forged one": identity.Bearer(forged), "one of a device that was signed out": identity.Bearer(s.token(out))} {
			if conn, status := s.dial("gateway-1", offer); conn != nil || status != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, status)
			}
		}
	})

	t.Run("a resume token is good once, at whatever gateway", func(t *testing.T) {
		conn, _ := s.dial("gateway-1", identity.Bearer(s.token(eve)))
		token := await[wire.Welcome](t, conn).Resume
		back, status := s.dial("gateway-2", identity.Resume(token))
		if back == nil {
			t.Fatalf("the first time: %d", status)
		}
		if code := closedWith(t, conn); code != 4001 {
			t.Errorf("the connection before is closed with %d", code)
		}
		if got := await[wire.Welcome](t, back); got.Device != eve || got.Resume == token {
			t.Errorf("%+v", got)
		}
		for _, gateway := range []string{"gateway-1", "gateway-2"} {
			if replayed, status := s.dial(gateway, identity.Resume(token)); replayed != nil || status != http.StatusUnauthorized {
				t.Errorf("replayed at %s: %d", gateway, status)
			}
		}
		_ = back.Close()
	})

	t.Run("frames", func(t *testing.T) {
		conn, _ := s.dial("gateway-1", identity.Bearer(s.token(eve)))
		await[wire.Welcome](t, conn)
		for _, c := range []struct{ name, frame, kind string }{
			{"no JSON", `hello`, "invalid"},
			{"an unknown type", `{"type":"drop"}`, "invalid"},
			{"a message to a conversation of others", fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"posted","body":{"shared":"eA=="}}`, direct), "not-member"},
			// The sender is who is connected: what the frame says of it isn't read.
			{"one in another's name", fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"posted","sender":%q,"body":{"shared":"eA=="}}`, direct, ana), "not-member"},
			{"a conversation of others begun anew", fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"created","users":[%q]}`, direct, bo.User), "invalid"},
			{"the history of others", fmt.Sprintf(`{"type":"history","ref":"1","conversation":%q,"from":1,"to":9}`, direct), "not-member"},
			{"a history backwards", fmt.Sprintf(`{"type":"history","ref":"1","conversation":%q,"from":9,"to":1}`, direct), "invalid"},
			{"an acknowledgement of others' messages", fmt.Sprintf(`{"type":"ack","conversation":%q,"seq":1}`, direct), "not-member"},
			{"typing among others", fmt.Sprintf(`{"type":"typing","conversation":%q,"on":true}`, direct), "not-member"},
		} {
			say(t, conn, c.frame)
			if got := await[wire.Error](t, conn); got.Kind != c.kind {
				t.Errorf("%s: %+v, want %s", c.name, got, c.kind)
			}
		}
		if err := conn.WriteMessage(websocket.BinaryMessage, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if code := closedWith(t, conn); code != websocket.CloseUnsupportedData {
			t.Errorf("binary is answered with %d", code)
		}
		conn, _ = s.dial("gateway-1", identity.Bearer(s.token(eve)))
		say(t, conn, `{"type":"send","title":"`+strings.Repeat("x", wire.MaxFrame)+`"}`)
		if code := closedWith(t, conn); code != websocket.CloseMessageTooBig {
			t.Errorf("a frame that is too large is answered with %d", code)
		}
	})

	t.Run("a number that isn't there is not acknowledged", func(t *testing.T) {
		conn, _ := s.dial("gateway-2", identity.Bearer(s.token(bo)))
		await[wire.Welcome](t, conn)
		for seq, kind := range map[string]string{"99": "invalid", "9007199254740993": "invalid", "0": "invalid", "-1": "invalid"} {
			say(t, conn, fmt.Sprintf(`{"type":"ack","conversation":%q,"seq":%s}`, direct, seq))
			if got := await[wire.Error](t, conn); got.Kind != kind {
				t.Errorf("%s: %+v", seq, got)
			}
		}
		say(t, conn, `{"type":"resume"}`)
		// Both messages are there all the same.
		for want := messaging.Seq(1); want <= 2; want++ {
			if got := await[wire.Message](t, conn); got.Seq != want || got.Conversation != direct {
				t.Errorf("%+v, want number %d", got, want)
			}
		}
	})

	t.Run("a page of another origin", func(t *testing.T) {
		header := http.Header{"Origin": {"https://evil.example"}}
		dialer := websocket.Dialer{Subprotocols: []string{identity.Protocol, identity.Bearer(s.token(ana))}}
		if _, res, err := dialer.Dial("ws://"+s.Addr("gateway-1")+"/connect", header); err == nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("%v, %v", res, err)
		}
		header.Set("Origin", "http://"+s.Addr("gateway-2"))
		conn, res, err := dialer.Dial("ws://"+s.Addr("gateway-1")+"/connect", header)
		if err != nil {
			t.Fatalf("a page of the other gateway: %v, %v", res, err)
		}
		_ = conn.Close()
	})

	if phone.Ends() > 1 { // once, when it was connected anew by the last test
		t.Errorf("a device that did nothing wrong lost its connection %d times", phone.Ends())
	}
}

// What is acknowledged is told to the others, and typing; a device that was
// signed out is gone at once.
func TestOthersAreToldAndWhoIsSignedOutIsGone(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person(1)[0], s.person(1)[0]
	direct := messaging.DirectID(ana.User, bo.User)
	one, _ := s.dial("gateway-1", identity.Bearer(s.token(ana)))
	two, _ := s.dial("gateway-2", identity.Bearer(s.token(bo)))
	for _, conn := range []*websocket.Conn{one, two} {
		await[wire.Welcome](t, conn)
		say(t, conn, `{"type":"resume","ref":"r"}`)
		if got := await[wire.Current](t, conn); got.Ref != "r" {
			t.Errorf("%+v", got)
		}
	}
	say(t, one, fmt.Sprintf(`{"type":"send","ref":"1","conversation":%q,"id":"0123456789abcdef","kind":"created","users":[%q]}`, direct, bo.User))
	await[wire.Sent](t, one)
	if got := await[wire.Message](t, two); got.Kind != messaging.Created || got.Sender != ana {
		t.Errorf("%+v", got)
	}
	say(t, two, fmt.Sprintf(`{"type":"ack","conversation":%q,"seq":1,"read":true}`, direct))
	if got := await[wire.Receipt](t, one); got.Device != bo || got.Read != 1 || got.Delivered != 1 {
		t.Errorf("%+v", got)
	}
	stored, err := s.db.Receipts().Of(t.Context(), direct, 10)
	if err != nil || len(stored) != 1 || stored[0].Read != 1 {
		t.Errorf("%+v, %v", stored, err)
	}
	say(t, two, fmt.Sprintf(`{"type":"typing","conversation":%q,"on":true}`, direct))
	if got := await[wire.TypingBy](t, one); got.By != bo.User || !got.On {
		t.Errorf("%+v", got)
	}
	if err := s.store.SignOuts(nil).SignOut(t.Context(), bo); err != nil {
		t.Fatal(err)
	}
	if code := closedWith(t, two); code != 4003 {
		t.Errorf("closed with %d", code)
	}
}

func TestTheGatewayServesItsPageAndWhoIsThere(t *testing.T) {
	s := newSite(t)
	get := func(path string) (*http.Response, string) {
		resp, err := http.Get("http://" + s.Addr("gateway-1") + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	testenv.Eventually(t, 10*time.Second, "both gateways are known", func() bool {
		_, body := get("/api/gateways")
		return strings.Contains(body, s.Addr("gateway-1")) && strings.Contains(body, s.Addr("gateway-2"))
	})
	resp, body := get("/")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "<!doctype html>") {
		t.Errorf("%d %.100s", resp.StatusCode, body)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "'wasm-unsafe-eval'") || !strings.Contains(policy, "ws://"+s.Addr("gateway-2")) {
		t.Errorf("the policy is %s", policy)
	}
	// keys isn't there in this test.
	if resp, body := get("/api/users/ana"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "/problems/unavailable") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if _, body := get("/metrics"); !strings.Contains(body, "gateway_devices 0") {
		t.Errorf("the metrics have no devices:\n%.500s", body)
	}
}
