package main

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/casetest"
	"designkits/shared/cql"
	"designkits/shared/leaktest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(common.Around(m)) }

const secret = "a secret of the tests, of 32 bytes"

// A site is two gateways, two chat processes and what a test needs besides, on the
// real backends.
type site struct {
	*rig.Case
	t      *testing.T
	db     *cassandra.DB
	store  *redis.Client
	tokens identity.Tokens
	book   *audit.Book
}

// common is the site of the tests that bring people and conversations of their own
// and change nothing else for good. They run one after the other.
var common = casetest.Shared{Options: rig.Options{Only: []string{"gateway", "chat", "keys", "media"}, Env: usual}}

var usual = map[string]string{
	"TOKEN_SECRET": secret, "GRANT_SECRET": secret, "OPERATOR_SECRET": secret, "WASM_E2E": "", "FRAMES_A_SECOND": "1000", "PERSON_CONNECTS": "1000", "ADDRESS_CONNECTS": "100000",
	"SESSION_TIMEOUT": "2s", "CASSANDRA_TIMEOUT": "10s",
}

func newSite(t *testing.T) *site {
	t.Helper()
	return siteOf(t, common.Of(t))
}

// newSiteWith is newSite with other settings, where nobody has been before.
func newSiteWith(t *testing.T, settings map[string]string) *site {
	t.Helper()
	all := maps.Clone(usual)
	maps.Copy(all, settings)
	return siteOf(t, casetest.Start(t, rig.Options{Only: []string{"gateway", "chat"}, Env: all}))
}

func siteOf(t *testing.T, c *rig.Case) *site {
	t.Helper()
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
	d := device.New(device.Config{Address: a, Token: s.token(a), Gateways: gateways, Shown: func(m messaging.Message) error { s.book.Shown(a, m); return nil }})
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	s.t.Cleanup(func() { cancel(); running.Wait() })
	testenv.Eventually(s.t, 2*time.Minute, a.String()+" has caught up", d.Current)
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

// readWithin is for all that a test reads of a connection: on a busy machine that takes
// a while, and some of what is read comes only after presence.Grace, or a drain.
const readWithin = 3 * time.Minute

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
	_ = conn.SetReadDeadline(time.Now().Add(readWithin))
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
