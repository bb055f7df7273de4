package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	bank "designkits/cases/tickets/adapters/provider"
	"designkits/cases/tickets/audit"
	"designkits/cases/tickets/crowd"
	"designkits/cases/tickets/provider"
)

// Books are all that is written of a sale, ours and the provider's.
type Books struct {
	audit.Books
	cfg  Config
	db   *postgres.DB
	bank *bank.Provider
}

// OpenBooks opens the books that the configuration names.
func OpenBooks(ctx context.Context, cfg Config) (*Books, error) {
	for name, value := range map[string]string{
		"ORGANISER_SECRET": cfg.Organiser, "POSTGRES": cfg.Postgres, "NAMESPACE": cfg.Namespace, "PROVIDER": cfg.Provider, "PROVIDER_KEY": cfg.ProviderKey,
	} {
		if value == "" {
			return nil, fmt.Errorf("%s is not set: start this through the kit, with `go run ./infra/kit run tickets --demo`", name)
		}
	}
	b := &Books{cfg: cfg}
	var err error
	if b.bank, err = bank.Open(bank.Config{URL: cfg.Provider, Key: cfg.ProviderKey}); err != nil {
		return nil, err
	}
	if b.db, err = postgres.Open(ctx, postgres.Config{Addr: cfg.Postgres, Namespace: cfg.Namespace, Connections: 4, Timeout: 20 * time.Second}); err != nil {
		b.bank.Close()
		return nil, err
	}
	b.Books = b.db.Books(b.bank)
	return b, nil
}

// Close closes the books.
func (b *Books) Close() {
	b.db.Close()
	b.bank.Close()
}

// settle waits until nothing is under way.
func (j *journey) settle(ctx context.Context) (string, error) {
	began := time.Now()
	err := until(ctx, j.cfg.Patience, 200*time.Millisecond, func(ctx context.Context) error {
		f, err := j.organiser.Figures(ctx, j.event.ID)
		if err != nil {
			return err
		}
		if f.Held > 0 || f.OnTheWay > 0 {
			return fmt.Errorf("%d seats are held and %d on the way still", f.Held, f.OnTheWay)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("nothing is held or under way %.1f s after the last fan had gone", time.Since(began).Seconds()), nil
}

// audit compares the books with each other, again and again until the last order
// has ended.
func (j *journey) audit(ctx context.Context) (string, error) {
	// Thousands of payments are asked for.
	if err := provider.Behave(ctx, j.cfg.Provider, j.cfg.ProviderKey, map[string]any{"latency": "0s", "latency99": "0s"}); err != nil {
		return "", err
	}
	var b audit.Balance
	err := until(ctx, j.cfg.EndWithin, 500*time.Millisecond, func(ctx context.Context) (err error) {
		if b, err = j.books.Event(ctx, j.event.ID); err == nil && len(b.Faults) > 0 {
			err = fmt.Errorf("%d faults: %s", len(b.Faults), strings.Join(b.Faults[:min(3, len(b.Faults))], "; "))
		}
		return err
	})
	if err != nil {
		return "", err
	}
	f, err := j.organiser.Figures(ctx, j.event.ID)
	if err != nil {
		return "", err
	}
	if f.Sold != b.Sold || f.Revenue != b.Revenue {
		return "", fmt.Errorf("the organiser is shown %d seats for %d cents, the books have %d for %d", f.Sold, f.Revenue, b.Sold, b.Revenue)
	}
	return fmt.Sprintf("%d orders: %d seats sold once, %d free, %.2f EUR taken, %d orders cancelled and nothing taken for them; the log of events tells the same",
		b.Orders, b.Sold, j.seats-b.Sold, float64(b.Revenue)/100, b.Cancelled), nil
}

// compare holds what people were told against the books.
func (j *journey) compare(ctx context.Context) (string, error) {
	told, unsure := j.crowd.Orders(), 0
	if len(told) == 0 {
		return "", errors.New("nobody was told of an order")
	}
	owners := map[tickets.SeatID]tickets.OrderID{}
	booked := map[tickets.OrderID]tickets.Order{}
	err := j.books.Each(ctx, j.event.ID, func(orders []tickets.Order) error {
		for _, o := range orders {
			booked[o.ID] = o
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	for id, seen := range told {
		o, ok := booked[id]
		if !ok {
			return "", fmt.Errorf("order %s was accepted, and is in no book", id)
		}
		if !seen.Order.Ended {
			unsure++
		} else if o.State != seen.Order.State {
			return "", fmt.Errorf("order %s was told to be %s and is %s", id, seen.Order.State, o.State)
		}
		for _, t := range seen.Order.Tickets {
			if other, twice := owners[t.Seat]; twice {
				return "", fmt.Errorf("seat %s was given to %s and %s", t.Seat, other, id)
			}
			owners[t.Seat] = id
		}
	}
	return fmt.Sprintf("%d orders are as their buyers saw them, %d of whom didn't wait for the end; %d tickets, no seat on two", len(told), unsure, len(owners)), nil
}

// bots says how many seats bots got.
func (j *journey) bots(context.Context) (string, error) {
	f := j.crowd.Figures()
	if j.cfg.Bots == 0 {
		return "none came", nil
	}
	came := float64(j.cfg.Bots) / float64(j.cfg.Bots+j.cfg.Fans)
	if f.BotShare() > came {
		return "", fmt.Errorf("%.1f%% of the seats, more than their %.1f%% of the accounts", 100*f.BotShare(), 100*came)
	}
	return fmt.Sprintf("%.1f%% of the seats, by %.1f%% of the accounts; %d of %d wouldn't work so much",
		100*f.BotShare(), 100*came, f.Left["bot: "+crowd.TooMuch], j.cfg.Bots), nil
}
