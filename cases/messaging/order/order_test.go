package order_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/kafka"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/order"
	"designkits/shared/cql"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Each check has owners on the real Kafka, which take a while to begin.
	if err := flag.Set("rapid.checks", "15"); err != nil {
		panic(err)
	}
	leaktest.Main(m, goleak.Cleanup(os.Exit))
}

// stores are the real ones.
type stores struct {
	db      *cassandra.DB
	log     messaging.Log
	deliver *kafka.Deliveries
}

func openStores(t *testing.T, adjust ...func(*kafka.Config)) *stores {
	t.Helper()
	namespace := testenv.Namespace(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	db, err := cassandra.Open(ctx, cassandra.Config{Config: cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: namespace}, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	cfg := kafka.Config{Brokers: []string{testenv.Addr(t, "kafka")}, Namespace: namespace}
	for _, a := range adjust {
		a(&cfg)
	}
	deliver, err := kafka.NewDeliveries(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = deliver.Close(context.Background()) })
	log, err := kafka.NewLog(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close(context.Background()) })
	return &stores{db, log, deliver}
}

// failing is what tests report to: a testing.T or a rapid.T.
type failing interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// An owner and the goroutine that applies for it.
type owner struct {
	*order.Owner
	die func() // as kill -9 does: what is not applied stays so
}

// own begins an owner of a partition, whoever owned it before.
func (s *stores) own(t failing, p messaging.Partition, now func() time.Time, adjust ...func(*order.Config)) *owner {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, err := s.log.Own(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	fan := fanout.New(fanout.Config{
		History: s.db.History(), Inbox: s.db.Inbox(), Rosters: s.db.Rosters(), Devices: s.db.Accounts().Devices, WriteUpTo: 100,
		Announcer: &fanout.Router{Deliveries: s.deliver, All: func() []string { return nil }},
	})
	cfg := order.Config{Log: log, History: s.db.History(), Rosters: s.db.Rosters(), Apply: fan.Apply, Now: now}
	for _, a := range adjust {
		a(&cfg)
	}
	o, err := order.Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var applying sync.WaitGroup
	applying.Go(func() { _ = o.Run(ctx) })
	return &owner{o, sync.OnceFunc(func() {
		cancel()
		applying.Wait()
		_ = o.Close()
	})}
}

// A person in a conversation, who sends one message after the other.
type sender struct {
	conversation messaging.ConversationID
	address      messaging.Address
	drafts       []messaging.Draft // what was sent, first to last, acknowledged or not
	told         []messaging.Message
}

func (s *sender) draft(n int) messaging.Draft {
	if n < len(s.drafts) {
		return s.drafts[n]
	}
	d := messaging.Draft{
		Conversation: s.conversation, ID: messaging.MessageID(fmt.Sprintf("%016d", n)), Sender: s.address,
		Kind: messaging.Posted, Body: messaging.Body{Shared: fmt.Appendf(nil, "%s says %d", s.address, n)},
	}
	s.drafts = append(s.drafts, d)
	return d
}

// Whatever is sent and sent again, however often owners change and die in the
// middle, and whatever their clocks say: each conversation has the numbers 1 to n,
// each message once, times that don't go back, and what somebody sent after an
// answer behind what was answered.
func TestTheOrderHoldsWhoeverOwns(t *testing.T) {
	s := openStores(t)
	rapid.Check(t, func(t *rapid.T) {
		var clock time.Duration
		var mu sync.Mutex
		now := func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.UnixMilli(1_700_000_000_000).Add(clock)
		}
		ana, bo := messaging.NewUserID(), messaging.NewUserID()
		c := messaging.DirectID(ana, bo)
		people := []*sender{
			{conversation: c, address: messaging.Address{User: ana, Device: 1}},
			{conversation: c, address: messaging.Address{User: bo, Device: 1}},
			{conversation: c, address: messaging.Address{User: bo, Device: 2}},
		}
		owners := []*owner{s.own(t, c.Partition(), now)}
		defer func() {
			for _, o := range owners {
				o.die()
			}
		}()
		created := messaging.Draft{Conversation: c, ID: "0000000000000000-created", Sender: people[0].address, Kind: messaging.Created, Users: []messaging.UserID{bo}}
		first, err := owners[0].Accept(context.Background(), []messaging.Draft{created})
		if err != nil || first[0].Err != nil || first[0].Message.Seq != 1 {
			t.Fatalf("the beginning got %+v, %v", first, err)
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			newest := owners[len(owners)-1]
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0: // another takes over, while the one before believes to own it
				owners = append(owners, s.own(t, c.Partition(), now))
			case 1: // it dies, with what it hasn't applied
				newest.die()
				owners = append(owners, s.own(t, c.Partition(), now))
			case 2:
				mu.Lock()
				clock += time.Duration(rapid.IntRange(-5000, 5000).Draw(t, "the clock goes")) * time.Millisecond
				mu.Unlock()
			case 3: // a deposed one is asked
				some(t, people).send(t, owners[rapid.IntRange(0, len(owners)-1).Draw(t, "owner")])
			default:
				some(t, people).send(t, newest)
			}
		}
		last := s.own(t, c.Partition(), now) // it applies all that there is
		owners = append(owners, last)
		stored, err := s.db.History().Range(context.Background(), c, 1, 1000, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(stored, people); err != nil {
			t.Fatal(err)
		}
	})
}

func some(t *rapid.T, people []*sender) *sender {
	return people[rapid.IntRange(0, len(people)-1).Draw(t, "who")]
}

// send sends a few messages at once: the next ones, or some again.
func (s *sender) send(t *rapid.T, o *owner) {
	from := rapid.IntRange(max(0, len(s.drafts)-3), len(s.drafts)).Draw(t, "from message")
	// What was not acknowledged is sent again before anything new.
	from = min(from, len(s.told))
	n := rapid.IntRange(1, 4).Draw(t, "messages")
	var drafts []messaging.Draft
	for i := range n {
		drafts = append(drafts, s.draft(from+i))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	results, err := o.Accept(ctx, drafts)
	if err != nil {
		if !errors.Is(err, messaging.ErrNotOwner) {
			t.Fatalf("%s sends %d: %v", s.address, n, err)
		}
		return
	}
	for i, r := range results {
		switch at := from + i; {
		case r.Err != nil:
			t.Fatalf("message %d of %s: %v", at, s.address, r.Err)
		case at < len(s.told) && s.told[at].Seq != r.Message.Seq:
			t.Fatalf("message %d of %s was number %d and is number %d", at, s.address, s.told[at].Seq, r.Message.Seq)
		case at == len(s.told):
			s.told = append(s.told, r.Message)
		}
	}
}

// check compares what is stored with what was told.
func check(stored []messaging.Message, people []*sender) error {
	seen := map[string]messaging.Seq{}
	for i, m := range stored {
		if m.Seq != messaging.Seq(i+1) {
			return fmt.Errorf("at place %d is number %d", i+1, m.Seq)
		}
		key := m.Sender.String() + " " + string(m.ID)
		if before, twice := seen[key]; twice {
			return fmt.Errorf("%s is number %d and number %d", key, before, m.Seq)
		}
		seen[key] = m.Seq
		if i > 0 && m.At.Before(stored[i-1].At) {
			return fmt.Errorf("number %d is of %s, the one before of %s", m.Seq, m.At, stored[i-1].At)
		}
	}
	for _, p := range people {
		for n, told := range p.told {
			if seq := seen[p.address.String()+" "+string(told.ID)]; seq != told.Seq {
				return fmt.Errorf("message %d of %s was told to be number %d and is %d", n, p.address, told.Seq, seq)
			}
			if n > 0 && told.Seq <= p.told[n-1].Seq {
				return fmt.Errorf("message %d of %s has number %d, the one before %d", n, p.address, told.Seq, p.told[n-1].Seq)
			}
		}
	}
	return nil
}

// The control: of owners without epochs both give the same number, and what one
// of them was told is lost. The check finds it.
func TestWithoutEpochsTheOrderDoesNotHold(t *testing.T) {
	s := openStores(t, func(c *kafka.Config) { c.Unfenced = true })
	ana, bo := messaging.NewUserID(), messaging.NewUserID()
	c := messaging.DirectID(ana, bo)
	people := []*sender{{conversation: c, address: messaging.Address{User: ana, Device: 1}}, {conversation: c, address: messaging.Address{User: bo, Device: 1}}}
	older := s.own(t, c.Partition(), time.Now)
	defer older.die()
	created := messaging.Draft{Conversation: c, ID: "0000000000000000-created", Sender: people[0].address, Kind: messaging.Created, Users: []messaging.UserID{bo}}
	if _, err := older.Accept(t.Context(), []messaging.Draft{created}); err != nil {
		t.Fatal(err)
	}
	newer := s.own(t, c.Partition(), time.Now)
	defer newer.die()
	for i, o := range []*owner{newer, older} {
		results, err := o.Accept(t.Context(), []messaging.Draft{people[i].draft(0)})
		if err != nil || results[0].Err != nil {
			t.Fatal(results, err)
		}
		people[i].told = append(people[i].told, results[0].Message)
	}
	last := s.own(t, c.Partition(), time.Now)
	defer last.die()
	stored, err := s.db.History().Range(t.Context(), c, 1, 10, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(stored, people); err == nil {
		t.Errorf("the check finds nothing wrong with %v", stored)
	} else {
		t.Logf("as it should: %v", err)
	}
}
