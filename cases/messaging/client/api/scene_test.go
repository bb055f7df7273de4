package api_test

import (
	"context"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/api"
	"designkits/cases/messaging/client/e2e"
	"designkits/shared/casetest"
	"designkits/shared/leaktest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// A site is the case without its crowd, with its real processes on the real backends.
type site struct {
	*rig.Case
	t    *testing.T
	http *http.Client                   // of the phones that are switched on from now on
	keys func() (e2e.PublicKeys, error) // of people whom nobody runs
}

func newSite(t *testing.T, further ...map[string]string) *site {
	t.Helper()
	env := map[string]string{
		"WASM_E2E": "", "ACCOUNTS_AN_HOUR": "1000", "PERSON_CONNECTS": "1000", "ADDRESS_CONNECTS": "10000",
		"SESSION_TIMEOUT": "2s", "CASSANDRA_TIMEOUT": "10s",
	}
	for _, more := range further {
		maps.Copy(env, more)
	}
	c := casetest.Start(t, rig.Options{Only: []string{"gateway", "chat", "keys", "media"}, Env: env})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return &site{c, t, http.DefaultClient, sync.OnceValues(borrowed)}
}

// A phone is a client that runs, with its state in a file.
type phone struct {
	*api.Client
	t    *testing.T
	path string
	stop func()
}

// switchOn runs the client whose state is in the file, until stop or the test's end.
// At first it gets an account by enter.
func (s *site) switchOn(path string, enter func(*api.Client) error) *phone {
	s.t.Helper()
	store, err := e2e.OpenFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := api.Open(api.Config{Store: store, Gateway: s.Addr("gateway-1"), HTTP: s.http})
	if err != nil {
		s.t.Fatal(err)
	}
	if enter != nil {
		if err := enter(c); err != nil {
			s.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	p := &phone{Client: c, t: s.t, path: path}
	p.stop = sync.OnceFunc(func() { cancel(); running.Wait(); _ = store.Close() })
	s.t.Cleanup(p.stop)
	testenv.Eventually(s.t, 2*time.Minute, path+" has caught up", func() bool { return c.Me().Current })
	return p
}

// person signs somebody up on a new device.
func (s *site) person(name string) *phone {
	s.t.Helper()
	return s.switchOn(filepath.Join(s.t.TempDir(), name), func(c *api.Client) error { return c.SignUp(s.t.Context(), name, "phone") })
}

// another links one more device to somebody.
func (s *site) another(of *phone) *phone {
	s.t.Helper()
	code, err := of.LinkCode(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return s.switchOn(filepath.Join(s.t.TempDir(), "laptop"), func(c *api.Client) error { return c.Link(s.t.Context(), code, "laptop") })
}

// begin returns the conversation with somebody.
func (p *phone) begin(name string) messaging.ConversationID {
	p.t.Helper()
	id, err := p.Begin(p.t.Context(), name)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

func (p *phone) say(id messaging.ConversationID, text string) messaging.MessageID {
	p.t.Helper()
	m, err := p.Say(id, text, "", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// shows waits until the conversation reads like that, a line each, without the lines
// that say who came and went.
func (p *phone) shows(id messaging.ConversationID, want ...string) {
	p.t.Helper()
	var got []string
	deadline := time.Now().Add(time.Minute)
	holds := func() bool {
		got = p.reads(id)
		return strings.Join(got, "|") == strings.Join(want, "|") || time.Now().After(deadline)
	}
	testenv.Eventually(p.t, 2*time.Minute, "the screen", holds)
	if strings.Join(got, "|") != strings.Join(want, "|") {
		p.t.Fatalf("%s shows %q, want %q", p.path, got, want)
	}
}

func (p *phone) reads(id messaging.ConversationID) (lines []string) {
	v := p.View(id, 1000)
	names := map[messaging.UserID]string{}
	for _, m := range v.Members {
		names[m.User] = m.Name
	}
	for _, l := range v.Lines {
		if l.Kind != messaging.Posted {
			continue
		}
		line := names[l.Sender.User] + ": " + l.Text
		if l.Media != nil {
			line += "[" + l.Media.Name + "]"
		}
		if l.Deleted {
			line += "deleted"
		}
		if l.Why != "" {
			line += l.Why
		}
		if l.Edited {
			line += " (edited)"
		}
		for _, r := range l.Reactions {
			line += " " + r.Emoji
		}
		lines = append(lines, line)
	}
	return lines
}

// reaches waits until the last message has come so far. Of that a device is told once,
// and it may get lost: it is asked for as well, now and then.
func (p *phone) reaches(id messaging.ConversationID, want api.State) {
	p.t.Helper()
	looked := time.Now()
	testenv.Eventually(p.t, time.Minute, "the last message is "+string(want), func() bool {
		if time.Since(looked) > 3*time.Second {
			p.Look(id)
			looked = time.Now()
		}
		lines := p.View(id, 1).Lines
		return len(lines) == 1 && lines[0].State == want
	})
}
