package saga_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/audit"
	"designkits/cases/tickets/saga"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func open(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{
		Addr: testenv.Addr(t, "postgres"), Namespace: testenv.Namespace(t), Timeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// A world is one event with a few orders on their way, on the real store.
type world struct {
	db     *postgres.DB
	event  tickets.Event
	claims tickets.Claims
	bank   *bank
	steps  saga.Steps
	orders []tickets.OrderID
	jobs   []saga.Job // of workers who think that they still have them
	clock  time.Time
}

// newWorld has an event of three seats. Its clock stands.
func newWorld(ctx context.Context, db *postgres.DB, next func(string) fate) (*world, error) {
	claims, err := db.Claims(postgres.ConditionalUpdate)
	if err != nil {
		return nil, err
	}
	w := &world{db: db, claims: claims, bank: newBank(next), clock: time.Now()}
	w.event = tickets.Event{ID: tickets.EventID(rand.Text()), Currency: "EUR", Prices: map[string]tickets.Cents{"1": 5000}, PerAccount: 9}
	w.steps = saga.Steps{Claims: claims, Provider: w.bank, PayWithin: time.Minute, Now: func() time.Time { return w.clock }}
	return w, db.AddSeats(ctx, w.event.ID, []tickets.SeatID{"a/A/1", "a/A/2", "a/A/3"})
}

// order places an order of a new account. Its hold is over at once if it is
// said to be late.
func (w *world) order(ctx context.Context, late bool, seats ...tickets.SeatID) error {
	id := tickets.OrderID(rand.Text())
	claim := tickets.Claim{Hold: tickets.HoldID("hold-" + id), Event: w.event.ID, Account: tickets.Account("account-" + id), Seats: seats, For: time.Hour}
	if late {
		claim.For = time.Millisecond
	}
	g, err := w.claims.Hold(ctx, claim)
	if _, taken := errors.AsType[*tickets.Taken](err); taken {
		return nil // nothing to order
	}
	if err != nil {
		return err
	}
	o, err := tickets.NewOrder(id, w.event, g, func(tickets.SeatID) string { return "1" }, nil, "tok", w.clock)
	if err != nil {
		return err
	}
	if _, err = w.db.Orders().Place(ctx, tickets.Request{Account: claim.Account, Key: "place"}, o, w.event); err == nil {
		w.orders = append(w.orders, id)
	}
	return err
}

// take leases an order in a way that anybody else can at once: its worker is
// slow or dead.
func (w *world) take(ctx context.Context, id tickets.OrderID) (saga.Job, error) {
	o, err := w.db.Orders().Order(ctx, id)
	if err != nil {
		return saga.Job{}, err
	}
	return w.db.Saga().Take(ctx, id, o.Version, 0)
}

// step does one step of an order, and writes down what came of it.
func (w *world) step(ctx context.Context, j saga.Job) error {
	out, err := w.steps.Do(ctx, j)
	if err != nil {
		return err
	}
	o, err := saga.Next(j.Order, out)
	if err != nil || out.What == saga.Wait {
		return err
	}
	_, err = w.db.Saga().Write(ctx, j, o, 0, 0)
	return err
}

// settle lets everything end without another fault.
func (w *world) settle(ctx context.Context) error {
	w.bank.next = func(string) fate { return fine }
	for _, id := range w.orders {
		w.bank.decide(id, "authorised")
		for tries := 0; ; tries++ {
			j, err := w.take(ctx, id)
			if err != nil {
				return err
			}
			if saga.Over(j.Order.State) {
				break
			}
			if err := w.step(ctx, j); err != nil || tries > 20 {
				return fmt.Errorf("order %s stays %s: %w", id, j.Order.State, err)
			}
		}
	}
	return w.tell(ctx)
}

// tell sends the outbox and lets the notifier read it, everything twice.
func (w *world) tell(ctx context.Context) error {
	for {
		sent, err := w.db.Saga().Send(ctx, 1000, told{saga.Notify(w.db.Saga())})
		if err != nil || sent == 0 {
			return err
		}
	}
}

// told is a saga.Log whose one reader reads at once.
type told struct {
	handle func(context.Context, saga.Event) error
}

func (l told) Append(ctx context.Context, events []saga.Event) error {
	for _, e := range append(events, events...) {
		if err := l.handle(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (l told) Follow(context.Context, string, func(context.Context, saga.Event) error) error {
	return errors.ErrUnsupported
}

// audit returns what the audit has found.
func (w *world) audit(ctx context.Context) error {
	books := audit.Books{Orders: w.db.Orders(), Sales: w.db.Sales(), Tickets: w.db.Tickets(), Log: w.db.Saga(), Payment: w.bank.of}
	balance, err := books.Event(ctx, w.event.ID)
	if err == nil && len(balance.Faults) > 0 {
		err = errors.New(strings.Join(balance.Faults, "; "))
	}
	if balance.Orders != len(w.orders) {
		err = errors.Join(err, fmt.Errorf("%d orders, %d were placed", balance.Orders, len(w.orders)))
	}
	for id, n := range w.bank.charges {
		if n > 1 {
			err = errors.Join(err, fmt.Errorf("order %s was charged %d times", id, n))
		}
	}
	return err
}
