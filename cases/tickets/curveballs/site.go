package curveballs

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/provider"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// A site is the case in a trial's variant, with its books open.
type site struct {
	*rig.Case
	*stores // of the case's namespace, not of its variant
	trial   *curveball.Trial
	http    *http.Client
	secrets map[string]string
	fans    atomic.Int64
}

// start starts the case with the trial's options as settings, and ends it with
// the trial. What the options leave open, o says. There is no edge and no gate
// unless o asks for them: fans go to the replicas in turn. The provider answers
// at once unless it is told otherwise.
func start(ctx context.Context, t *curveball.Trial, o rig.Options) (*site, error) {
	s := &site{trial: t, secrets: map[string]string{}, http: &http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
	env := map[string]string{
		"LATENCY": "0s", "LATENCY_99": "0s", "SHIPPED": "false", "WEBHOOK_URL": "http://${booking-2}/api/webhooks/payments",
	}
	o.Only = append(o.Only, "booking", "payments", "worker")
	for _, name := range []string{"ORGANISER_SECRET", "DOOR_SECRET", "PROVIDER_KEY", "TICKET_SECRET"} {
		var b [32]byte
		_, _ = rand.Read(b[:]) // never fails
		s.secrets[name] = hex.EncodeToString(b[:])
	}
	maps.Copy(env, s.secrets)
	maps.Copy(env, o.Env)
	maps.Copy(env, t.Options())
	o.Env = env
	var err error
	if s.Case, err = rig.Start(ctx, o); err != nil {
		return nil, err
	}
	t.Cleanup(s.Case.Stop)
	t.Cleanup(func(context.Context) error { s.http.CloseIdleConnections(); return nil })
	s.stores, err = openStoresOf(ctx, t, s.Case.Namespace)
	return s, err
}

// Somebody is a session.
type somebody struct {
	site    *site
	at      string // the replica that they ask
	token   string
	pass    string // through the waiting room
	Account tickets.Account
}

// a returns a session: of a new fan, of the organiser, of a door.
func (s *site) a(ctx context.Context, role string) (*somebody, error) {
	var made struct {
		Account tickets.Account `json:"account"`
		Token   string          `json:"token"`
	}
	who := &somebody{site: s, at: fmt.Sprint("booking-", 1+s.fans.Add(1)%2)}
	secret := map[string]string{"organiser": s.secrets["ORGANISER_SECRET"], "door": s.secrets["DOOR_SECRET"]}[role]
	err := who.do(ctx, http.MethodPost, "/api/session", map[string]string{"role": role, "secret": secret}, &made)
	who.Account, who.token = made.Account, made.Token
	return who, err
}

// A refusal is an answer that isn't a good one.
type refusal struct {
	Status int    `json:"status"`
	Type   string `json:"type"` // "/problems/seats-taken"
	Detail string `json:"detail"`
	// Challenge is the work that the waiting room asks for.
	Challenge bots.Challenge `json:"challenge"`
	what      string
}

func (e *refusal) Error() string {
	return fmt.Sprintf("%s: %d %s: %s", e.what, e.Status, e.Type, e.Detail)
}

// refused reports whether an error is the problem of that name.
func refused(err error, problem string) bool {
	r, ok := errors.AsType[*refusal](err)
	return ok && r.Type == "/problems/"+problem
}

// do asks the case for something. Each call has a key of its own.
func (w *somebody) do(ctx context.Context, method, path string, body, into any, headers ...[2]string) error {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+w.site.Addr(w.at)+path, &content)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Idempotency-Key", rand.Text())
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	if w.pass != "" {
		req.Header.Set("Pass", w.pass)
	}
	for _, h := range headers {
		req.Header.Set(h[0], h[1])
	}
	res, err := w.site.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode >= 300 {
		refused := &refusal{what: method + " " + path}
		if json.Unmarshal(answer, refused) != nil {
			refused.Detail = string(answer)
		}
		refused.Status = res.StatusCode
		return refused
	}
	if into == nil || len(answer) == 0 {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s %s: it answered %q: %w", method, path, answer, err)
	}
	return nil
}

// open opens the theatre's 500 seats for sale under that name.
func (s *site) open(ctx context.Context, event tickets.EventID, change map[string]any) error {
	organiser, err := s.a(ctx, "organiser")
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	body := map[string]any{
		"name": "An evening", "venue": "theatre", "starts": now.Add(240 * time.Hour), "onSale": now.Add(-time.Minute), "room": false,
		"currency": "EUR", "prices": map[string]int{"1": 6500, "2": 3800}, "perAccount": 6, "holdFor": 120, "maxHold": 600,
	}
	maps.Copy(body, change)
	if err := organiser.do(ctx, http.MethodPut, "/api/events/"+string(event), body, nil); err != nil {
		return err
	}
	// The other replica reads what is on sale once a second.
	for _, replica := range []string{"booking-1", "booking-2"} {
		organiser.at = replica
		err := s.until(ctx, 10*time.Second, func() (bool, error) {
			err := organiser.do(ctx, http.MethodGet, "/api/events/"+string(event), nil, nil)
			if _, notYet := errors.AsType[*refusal](err); notYet {
				return false, nil
			}
			return true, err
		})
		if err != nil {
			return fmt.Errorf("wait until %s sells %s: %w", replica, event, err)
		}
	}
	return nil
}

// until waits until something is so.
func (s *site) until(ctx context.Context, within time.Duration, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		if yes, err := so(); yes || err != nil {
			return err
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A held is a hold as its fan sees it.
type held struct {
	by    *somebody
	event tickets.EventID
	Hold  string `json:"hold"`
	Seats []struct {
		Seat tickets.SeatID `json:"seat"`
	} `json:"seats"`
	Until time.Time `json:"until"`
}

// hold holds seats by name.
func (w *somebody) hold(ctx context.Context, event tickets.EventID, seats ...tickets.SeatID) (*held, error) {
	return w.wish(ctx, event, map[string]any{"seats": seats})
}

// best holds the best n seats.
func (w *somebody) best(ctx context.Context, event tickets.EventID, n int) (*held, error) {
	return w.wish(ctx, event, map[string]any{"best": map[string]any{"seats": n}})
}

func (w *somebody) wish(ctx context.Context, event tickets.EventID, wish any, headers ...[2]string) (*held, error) {
	h := &held{by: w, event: event}
	return h, w.do(ctx, http.MethodPost, "/api/events/"+string(event)+"/holds", wish, h, headers...)
}

// pay places an order of the hold, paid by a source of the provider's, and
// returns its name.
func (h *held) pay(ctx context.Context, source string) (tickets.OrderID, error) {
	var placed struct {
		ID tickets.OrderID `json:"id"`
	}
	err := h.by.do(ctx, http.MethodPost, "/api/events/"+string(h.event)+"/orders", map[string]string{"hold": h.Hold, "source": source}, &placed)
	return placed.ID, err
}

// buy makes new fans buy the best seats, so many each, and returns their orders.
func (s *site) buy(ctx context.Context, event tickets.EventID, fans, each int) ([]bought, error) {
	all := make([]bought, fans)
	var buying errgroup.Group
	buying.SetLimit(16)
	for i := range fans {
		buying.Go(func() error {
			fan, err := s.a(ctx, "fan")
			if err != nil {
				return err
			}
			hold, err := fan.best(ctx, event, each)
			if err != nil {
				return err
			}
			all[i].hold = hold
			all[i].order, err = hold.pay(ctx, "tok_ok")
			return err
		})
	}
	return all, buying.Wait()
}

// A bought is an order and what it was made of.
type bought struct {
	hold  *held
	order tickets.OrderID
}

// ended waits until nothing is under way any more, and returns how many orders
// are still on their way then.
func (s *site) ended(ctx context.Context, event tickets.EventID, within time.Duration) (open int, err error) {
	err = s.until(ctx, within, func() (bool, error) {
		err := s.pool.QueryRow(ctx, `SELECT count(*) FROM orders WHERE event = $1 AND state NOT IN ('done', 'cancelled', 'refunded')`, event).Scan(&open)
		return open == 0, err
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = nil
	}
	return open, err
}

// twice is how many seats more than one order has paid for, tickets or not.
func (s *site) twice(ctx context.Context, event tickets.EventID) (n int, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT count(*) FROM (
			SELECT seat FROM orders JOIN order_lines ON order_id = id
			WHERE event = $1 AND state IN ('confirmed', 'captured', 'ticketed', 'done') AND NOT refunded AND NOT back
			GROUP BY seat HAVING count(*) > 1) AS seats`, event).Scan(&n)
	return n, err
}

// states are how many of the event's orders are in which state.
func (s *site) states(ctx context.Context, event tickets.EventID) (map[tickets.OrderState]int, error) {
	rows, err := s.pool.Query(ctx, `SELECT state, count(*) FROM orders WHERE event = $1 GROUP BY state`, event)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	states := map[tickets.OrderState]int{}
	for rows.Next() {
		var state tickets.OrderState
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		states[state] = n
	}
	return states, rows.Err()
}

// behave makes the payment provider behave otherwise.
func (s *site) behave(ctx context.Context, how map[string]any) error {
	return provider.Behave(ctx, "http://"+s.Addr("payments"), s.secrets["PROVIDER_KEY"], how)
}

// seat is one of many that leave no single seat between them: every third of the
// rows of a section, counted from 0.
func seat(section string, n int) tickets.SeatID {
	const inRow = 6
	return tickets.SeatID(fmt.Sprintf("%s/%c/%d", section, 'A'+n/inRow, 1+3*(n%inRow)))
}
