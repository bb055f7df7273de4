package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/chatapi"
	"designkits/cases/messaging/adapters/zookeeper"
	"designkits/shared/cql"
	"designkits/shared/leaktest"
	"designkits/shared/service"
	"designkits/shared/testenv"
)

// asProcess in the environment makes the test's program the process itself.
const asProcess = "TEST_AS_CHAT"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		service.Main("chat", run)
		return
	}
	leaktest.Main(m)
}

// A site is a namespace on the real backends, the chat processes on it, and what
// a gateway has.
type site struct {
	t      *testing.T
	env    []string
	db     *cassandra.DB
	client *chatapi.Client
	owners *zookeeper.OwnerMap

	acknowledged atomic.Int64
}

func newSite(t *testing.T, env ...string) *site {
	t.Helper()
	namespace := testenv.Namespace(t)
	s := &site{t: t, env: append(env, asProcess+"=1", "LISTEN=127.0.0.1:0", "NAMESPACE="+namespace, "SESSION_TIMEOUT=2s",
		"CASSANDRA="+testenv.Addr(t, "cassandra"), "KAFKA="+testenv.Addr(t, "kafka"), "ZOOKEEPER="+testenv.Addr(t, "zookeeper"))}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	db, err := cassandra.Open(ctx, cassandra.Config{Config: cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: namespace}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	s.db = db
	session, err := zookeeper.Open(zookeeper.Config{Servers: []string{testenv.Addr(t, "zookeeper")}, Namespace: namespace, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.owners = session.NewOwners()
	watching, end := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	watch.Go(func() { _ = s.owners.Run(watching) })
	s.client = chatapi.NewClient(s.owners)
	t.Cleanup(func() {
		s.client.Close()
		end()
		_ = session.Close(context.Background())
		watch.Wait()
	})
	return s
}

// start starts a chat process and returns what kills it, as kill -9 does.
func (s *site) start(name string) (kill func()) {
	s.t.Helper()
	kill, _ = s.begin(name)
	return kill
}

// begin is start; stop asks the process to end, and returns how it did.
func (s *site) begin(name string) (kill func(), stop func() error) {
	s.t.Helper()
	program, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(append(os.Environ(), s.env...), "CHAT="+name)
	out, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	serving, logged := make(chan struct{}), make(chan struct{})
	go func() { // ends with the process, which kill waits for
		defer close(logged)
		up := sync.OnceFunc(func() { close(serving) })
		defer up()
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var line struct{ Level, Msg string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				up()
			}
			if line.Level != "INFO" {
				s.t.Logf("%s: %s", name, lines.Text())
			}
		}
	}()
	ended := sync.OnceValue(func() error {
		<-logged
		return cmd.Wait()
	})
	kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = ended()            // "signal: killed"
	})
	s.t.Cleanup(kill)
	stop = func() error { return errors.Join(cmd.Process.Signal(syscall.SIGTERM), ended()) }
	select {
	case <-serving:
	case <-time.After(2 * time.Minute):
		s.t.Fatalf("%s doesn't serve within 2 minutes", name)
	}
	return kill, stop
}

// shared reports whether so many processes own all partitions.
func (s *site) shared(processes int) func() bool {
	return func() bool {
		all, by := s.owners.All(), map[string]bool{}
		for _, address := range all {
			by[address] = true
		}
		return len(all) == messaging.Partitions && len(by) == processes
	}
}

// A talk is a conversation of two, in which one of them sends.
type talk struct {
	conversation messaging.ConversationID
	ana, bo      messaging.Address
	sent         []messaging.Message // acknowledged, in the order of sending
}

func newTalk() *talk {
	ana, bo := messaging.NewUserID(), messaging.NewUserID()
	return &talk{conversation: messaging.DirectID(ana, bo), ana: messaging.Address{User: ana, Device: 1}, bo: messaging.Address{User: bo, Device: 1}}
}

func (k *talk) draft(n int) messaging.Draft {
	d := messaging.Draft{Conversation: k.conversation, ID: messaging.MessageID(fmt.Sprintf("%016d", n)), Sender: k.ana, Kind: messaging.Posted,
		Body: messaging.Body{Shared: fmt.Appendf(nil, "number %d", n)}}
	if n == 0 {
		d.Kind, d.Users = messaging.Created, []messaging.UserID{k.bo.User}
	}
	return d
}

// send sends messages for as long as there are to be more: each until it is
// acknowledged, as a device does, and then the next.
func (k *talk) send(ctx context.Context, s *site, more func(n int) bool) error {
	for n := 0; more(n); n++ {
		for {
			call, cancel := context.WithTimeout(ctx, 2*time.Second)
			m, err := s.client.Send(call, k.draft(n))
			cancel()
			if err == nil {
				k.sent = append(k.sent, m)
				s.acknowledged.Add(1)
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("message %d of %s: %w", n, k.conversation, err)
			}
		}
	}
	return nil
}

// check compares the history with what was acknowledged.
func (k *talk) check(t *testing.T, s *site) {
	t.Helper()
	var stored []messaging.Message
	testenv.Eventually(t, time.Minute, "the history has all of "+string(k.conversation), func() bool {
		var err error
		stored, err = s.db.History().Range(t.Context(), k.conversation, 1, messaging.Seq(len(k.sent)+100), len(k.sent)+100)
		return err == nil && len(stored) >= len(k.sent)
	})
	if len(stored) != len(k.sent) {
		t.Errorf("%s: %d messages are stored, %d were acknowledged", k.conversation, len(stored), len(k.sent))
	}
	for i, m := range stored {
		if i >= len(k.sent) {
			break
		}
		want := k.sent[i]
		if m.Seq != messaging.Seq(i+1) || m.Seq != want.Seq || m.ID != want.ID || !m.At.Equal(want.At) {
			t.Fatalf("%s: place %d holds number %d, id %s; acknowledged was number %d, id %s", k.conversation, i+1, m.Seq, m.ID, want.Seq, want.ID)
		}
		if i > 0 && m.At.Before(stored[i-1].At) {
			t.Errorf("%s: number %d is from before number %d", k.conversation, m.Seq, stored[i-1].Seq)
		}
	}
}

// Owners are killed again and again while many talk.
func TestKill9LosesNothingDoublesNothingAndKeepsTheOrder(t *testing.T) {
	s := newSite(t)
	kill := map[string]func(){"one": s.start("one"), "two": s.start("two")}
	testenv.Eventually(t, time.Minute, "two share the partitions", s.shared(2))
	talks := make([]*talk, 40)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	failed := make(chan error, len(talks))
	var talking sync.WaitGroup
	var enough atomic.Bool
	for i := range talks {
		talks[i] = newTalk()
		talking.Go(func() { failed <- talks[i].send(ctx, s, func(int) bool { return !enough.Load() }) })
	}
	said := func() {
		before := s.acknowledged.Load()
		testenv.Eventually(t, 3*time.Minute, "more is said", func() bool { return s.acknowledged.Load() >= before+int64(15*len(talks)) })
	}
	for _, name := range []string{"one", "two", "one"} {
		said()
		kill[name]() // in the middle
		testenv.Eventually(t, 2*time.Minute, "the other owns all", s.shared(1))
		kill[name] = s.start(name)
	}
	said()
	enough.Store(true)
	talking.Wait() // until ctx ends at the latest
	close(failed)
	for err := range failed {
		if err != nil {
			t.Error(err)
		}
	}
	for _, k := range talks {
		k.check(t, s)
	}
}

// One that is stopped hands its partitions over without waiting for a timeout,
// and nobody who is talking sees an error.
func TestAStopHandsOver(t *testing.T) {
	s := newSite(t)
	s.start("one")
	_, stop := s.begin("two")
	testenv.Eventually(t, time.Minute, "two share the partitions", s.shared(2))
	k := newTalk()
	said := make(chan error, 1)
	go func() { said <- k.send(t.Context(), s, func(n int) bool { return n < 100 }) }() // ends with the talk
	testenv.Eventually(t, time.Minute, "something is said", func() bool { return s.acknowledged.Load() > 10 })
	began := time.Now()
	if err := stop(); err != nil || time.Since(began) > service.StopWithin {
		t.Errorf("it ended after %s: %v", time.Since(began), err)
	}
	testenv.Eventually(t, 2*time.Minute, "the other owns all", s.shared(1))
	if err := <-said; err != nil {
		t.Fatal(err)
	}
	k.check(t, s)
}

func TestSettingsThatCantBe(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"FENCING=hope", "SESSION_TIMEOUT=1ms", "WRITE_UP_TO=-1", "LISTEN="} {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = append(os.Environ(), asProcess+"=1", "LISTEN=127.0.0.1:0", "CHAT=one", "CASSANDRA=127.0.0.1:1", "KAFKA=127.0.0.1:1", "ZOOKEEPER=127.0.0.1:1",
			"NAMESPACE=none", wrong)
		out, err := cmd.CombinedOutput()
		if name, _, _ := strings.Cut(wrong, "="); err == nil || !strings.Contains(string(out), name) {
			t.Errorf("%s: %v\n%s", wrong, err, out)
		}
	}
}
