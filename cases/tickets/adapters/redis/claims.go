package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"designkits/cases/tickets"
)

// Claims is tickets.Claims with the holds in Redis, decided by one script, and
// the sales in the record, which decides in the end. While Redis is away no seat
// can be held, but what is held can be bought.
type Claims struct {
	client *Client
	sales  tickets.Sales
}

// Claims returns the claims.
func (c *Client) Claims(sales tickets.Sales) *Claims { return &Claims{c, sales} }

var (
	_ tickets.Claims   = (*Claims)(nil)
	_ tickets.Beginner = (*Claims)(nil)
)

var (
	//go:embed hold.lua
	holdSource string
	//go:embed begin.lua
	beginSource string
	//go:embed move.lua
	moveSource string

	holdScript  = redis.NewScript(holdSource)
	beginScript = redis.NewScript(beginSource + holdSource)
	moveScript  = redis.NewScript(moveSource)
)

// confirmWithin is how long the seats of a hold are kept from others while the
// record is asked.
const confirmWithin = 10 * time.Second

// Hold implements tickets.Claims.
func (c *Claims) Hold(ctx context.Context, claim tickets.Claim) (tickets.Grant, error) {
	keys, args := c.holding(claim)
	answer, err := c.client.redis.Script(ctx, holdScript, keys, args...).Slice()
	if err != nil {
		return tickets.Grant{}, fmt.Errorf("redis: hold for %s: %w", claim.Account, err)
	}
	return granted(claim, answer)
}

// Begin implements tickets.Beginner.
func (c *Claims) Begin(ctx context.Context, claim tickets.Claim, r tickets.Request, a tickets.Attempt, d time.Duration) (tickets.Grant, *tickets.Attempt, error) {
	attempts := c.client.Attempts()
	keys, args := c.holding(claim)
	keys, args = append(keys, attempts.key(claim.Event, r)), append(args, attempts.text(r, a), d.Milliseconds())
	answer, err := c.client.redis.Script(ctx, beginScript, keys, args...).Slice()
	if err != nil {
		return tickets.Grant{}, nil, fmt.Errorf("redis: begin to hold for %s: %w", claim.Account, err)
	}
	if answer[0] == int64(3) {
		kept, err := attempts.read(r, fmt.Sprint(answer[1]))
		if err != nil {
			return tickets.Grant{}, nil, err
		}
		return tickets.Grant{}, &kept, nil
	}
	g, err := granted(claim, answer)
	return g, nil, err
}

// holding are the keys and arguments of hold.lua.
func (c *Claims) holding(claim tickets.Claim) (keys []string, args []any) {
	args = make([]any, 0, 5+len(claim.Seats))
	args = append(args, string(claim.Hold), claim.For.Milliseconds(), claim.AtMost)
	for _, s := range claim.Seats {
		args = append(args, string(s))
	}
	return []string{c.client.key(claim.Event, "seats"), c.client.key(claim.Event, "token"), c.holds(claim)}, args
}

// granted reads what hold.lua returns.
func granted(claim tickets.Claim, answer []any) (tickets.Grant, error) {
	switch answer[0] {
	case int64(1):
		token, _ := answer[1].(int64)
		until, _ := answer[2].(int64)
		return tickets.Grant{Claim: claim, Token: token, Until: time.UnixMilli(until)}, nil
	case int64(2):
		has, _ := answer[1].(int64)
		return tickets.Grant{}, &tickets.OverLimit{Limit: claim.AtMost, Has: int(has)}
	}
	taken := &tickets.Taken{}
	for _, s := range answer[1:] {
		taken.Seats = append(taken.Seats, tickets.SeatID(fmt.Sprint(s)))
	}
	return tickets.Grant{}, taken
}

// holds is the key of what the account holds of the event.
func (c *Claims) holds(claim tickets.Claim) string {
	return c.client.key(claim.Event, "held:"+string(claim.Account))
}

// move runs the script on the seats of a grant.
func (c *Claims) move(ctx context.Context, what string, g tickets.Grant, value any) (int64, error) {
	args := make([]any, 0, 4+len(g.Seats))
	args = append(args, what, string(g.Hold), g.Token, value)
	for _, s := range g.Seats {
		args = append(args, string(s))
	}
	ends, err := c.client.redis.Script(ctx, moveScript, []string{c.client.key(g.Event, "seats"), c.holds(g.Claim)}, args...).Int64()
	if err != nil {
		return 0, fmt.Errorf("redis: %s hold %s: %w", what, g.Hold, err)
	}
	return ends, nil
}

// Extend implements tickets.Claims.
func (c *Claims) Extend(ctx context.Context, g tickets.Grant, d time.Duration) (tickets.Grant, error) {
	ends, err := c.move(ctx, "extend", g, d.Milliseconds())
	if err != nil {
		return g, err
	}
	if ends == 0 {
		return g, tickets.ErrGone
	}
	g.Until = time.UnixMilli(ends)
	return g, nil
}

// Release implements tickets.Claims.
func (c *Claims) Release(ctx context.Context, g tickets.Grant) error {
	_, err := c.move(ctx, "release", g, 0)
	return err
}

// Confirm implements tickets.Claims. The hold is made longer first, so that
// nobody comes in between; where Redis doesn't answer, the record alone decides.
func (c *Claims) Confirm(ctx context.Context, g tickets.Grant, order tickets.OrderID) error {
	_, err := c.Extend(ctx, g, confirmWithin)
	switch {
	case errors.Is(err, tickets.ErrGone):
		bought, err := c.sales.Bought(ctx, g, order)
		if err == nil && !bought { // not a repetition
			err = tickets.ErrGone
		}
		return err
	case err != nil && !time.Now().Before(g.Until):
		return tickets.ErrGone
	}
	if err := c.sales.Sell(ctx, g, order); err != nil {
		return err
	}
	// It is sold; that Redis hears of it late only lets somebody try in vain.
	_, _ = c.move(ctx, "sell", g, string(order))
	return nil
}

// Refund implements tickets.Claims.
func (c *Claims) Refund(ctx context.Context, event tickets.EventID, order tickets.OrderID, seats []tickets.SeatID) error {
	freed, err := c.sales.Refund(ctx, event, order, seats)
	if err != nil || len(freed) == 0 {
		return err
	}
	_, err = c.move(ctx, "free", tickets.Grant{Claim: tickets.Claim{Event: event, Seats: freed}}, string(order))
	return err
}

// Seats implements tickets.Claims. What the record says goes before what Redis
// believes.
func (c *Claims) Seats(ctx context.Context, event tickets.EventID) (map[tickets.SeatID]tickets.State, error) {
	sold, err := c.sales.Sold(ctx, event)
	if err != nil {
		return nil, err
	}
	states := make(map[tickets.SeatID]tickets.State, len(sold))
	if err := c.held(ctx, event, states); err != nil {
		return nil, fmt.Errorf("redis: read the seats of %s: %w", event, err)
	}
	for seat := range sold {
		states[seat] = tickets.Paid
	}
	return states, nil
}

// readStep is how many seats are read at once: Redis does nothing else
// meanwhile, and a stadium read in one go would hold up everybody's claims.
const readStep = 1000

// Between two steps others have their turn: readPause times as long as the step took,
// and no longer than mostPause.
const (
	readPause = 3
	mostPause = 10 * time.Millisecond
)

// held adds the seats that are held.
func (c *Claims) held(ctx context.Context, event tickets.EventID, states map[tickets.SeatID]tickets.State) error {
	clock, err := c.client.redis.Time(ctx).Result()
	if err != nil {
		return err
	}
	now := fmt.Sprint(clock.UnixMilli())
	for cursor := uint64(0); ; {
		var fields []string
		began := time.Now()
		if fields, cursor, err = c.client.redis.HScan(ctx, c.client.key(event, "seats"), cursor, "", readStep).Result(); err != nil {
			return err
		}
		for i := 0; i+1 < len(fields); i += 2 {
			until, _, _ := strings.Cut(fields[i+1], " ")
			if until != "sold" && until > now { // both have 13 digits
				states[tickets.SeatID(fields[i])] = tickets.Held
			}
		}
		if cursor == 0 {
			return nil
		}
		select {
		case <-time.After(min(readPause*time.Since(began), mostPause)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// restoreStep is how many seats Redis is told of at once, since it does nothing
// else meanwhile.
const restoreStep = 2000

// Restore tells Redis what the record knows to be sold, after it has lost data.
func (c *Claims) Restore(ctx context.Context, event tickets.EventID) error {
	sold, err := c.sales.Sold(ctx, event)
	if err != nil || len(sold) == 0 {
		return err
	}
	var fields []any
	for seat, order := range sold {
		fields = append(fields, string(seat), "sold "+string(order)+" 0")
	}
	for step := range slices.Chunk(fields, 2*restoreStep) {
		if err := c.client.redis.HSet(ctx, c.client.key(event, "seats"), step...).Err(); err != nil {
			return fmt.Errorf("redis: restore the sales of %s: %w", event, err)
		}
	}
	// What was refunded meanwhile has come back as sold.
	now, err := c.sales.Sold(ctx, event)
	if err != nil {
		return err
	}
	for seat, order := range sold {
		if now[seat] == order {
			continue
		}
		back := tickets.Grant{Claim: tickets.Claim{Event: event, Seats: []tickets.SeatID{seat}}}
		if _, err := c.move(ctx, "free", back, string(order)); err != nil {
			return err
		}
	}
	return nil
}

// HoldScript is the source of the script behind Hold, for who measures it alone.
func HoldScript() string { return holdSource }
