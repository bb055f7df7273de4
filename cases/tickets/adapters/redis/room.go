package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"designkits/cases/tickets"
	"designkits/cases/tickets/room"
)

// Room is room.Room: a sorted set an event, by lot and then by
// arrival, the set of those let in, and a hash with how far it has come.
type Room struct{ client *Client }

// Room returns the waiting room.
func (c *Client) Room() *Room { return &Room{c} }

var _ room.Room = (*Room)(nil)

var (
	//go:embed join.lua
	joinSource string
	//go:embed admit.lua
	admitSource string
	//go:embed places.lua
	placesSource string
	//go:embed guard.lua
	guardSource string

	joinScript   = redis.NewScript(joinSource)
	admitScript  = redis.NewScript(admitSource)
	placesScript = redis.NewScript(placesSource)
	guardScript  = redis.NewScript(guardSource)
)

func (r *Room) keys(event tickets.EventID) []string {
	return []string{r.client.key(event, "queue"), r.client.key(event, "admitted"), r.client.key(event, "room")}
}

// A joining is an account that joins, and what comes of it.
type joining struct {
	event   tickets.EventID
	account tickets.Account
	draw    uint64
	place   room.Place
	err     error
}

// Join implements room.Room. Those who join an event at the same moment get their
// places, one after the other, from one call of the script: to call it cost Redis
// more than a place.
func (r *Room) Join(ctx context.Context, event tickets.EventID, account tickets.Account, draw uint64) (room.Place, error) {
	j := &joining{event: event, account: account, draw: draw}
	err := r.client.joins.Do(ctx, j)
	if err == nil { // else it must not be looked at
		err = j.err
	}
	if err != nil {
		return room.Place{}, fmt.Errorf("redis: join %s: %w", event, err)
	}
	return j.place, nil
}

// join gives places to many. What fails, fails for those of one event.
func (r *Room) join(ctx context.Context, batch []*joining) error {
	of := map[tickets.EventID][]*joining{}
	for _, j := range batch {
		of[j.event] = append(of[j.event], j)
	}
	var all sync.WaitGroup
	for event, some := range of {
		all.Go(func() { r.joinEvent(ctx, event, some) })
	}
	all.Wait()
	return nil
}

// joinEvent gives places to those who join one event. Who asks twice at the same
// moment is told the same.
func (r *Room) joinEvent(ctx context.Context, event tickets.EventID, some []*joining) {
	at := make(map[tickets.Account]int, len(some)) // in the script's answer
	args := make([]any, 0, 2*len(some))
	for _, j := range some {
		if _, twice := at[j.account]; !twice {
			at[j.account] = len(at)
			args = append(args, j.draw, string(j.account))
		}
	}
	places, err := placesOf(r.client.redis.Script(ctx, joinScript, r.keys(event), args...), len(at))
	for _, j := range some {
		if j.err = err; err == nil {
			j.place = places[at[j.account]]
		}
	}
}

// atOnce is how many accounts one script looks up, or gives places; Redis serves
// nobody else meanwhile.
const atOnce = 250

// Places implements room.Room. Where there are many accounts it is one look for
// every 250.
func (r *Room) Places(ctx context.Context, event tickets.EventID, accounts ...tickets.Account) ([]room.Place, error) {
	places := make([]room.Place, 0, len(accounts))
	for some := range slices.Chunk(accounts, atOnce) {
		args := make([]any, len(some))
		for i, account := range some {
			args[i] = string(account)
		}
		found, err := placesOf(r.client.redis.Script(ctx, placesScript, r.keys(event), args...), len(some))
		if err != nil {
			return nil, fmt.Errorf("redis: places in %s: %w", event, err)
		}
		places = append(places, found...)
	}
	return places, nil
}

// placesOf reads what the scripts return of n accounts.
func placesOf(command *redis.Cmd, n int) ([]room.Place, error) {
	answer, err := command.Slice()
	if err != nil {
		return nil, err
	}
	if len(answer) != 2+3*n {
		return nil, fmt.Errorf("the script returned %d values for %d accounts", len(answer), n)
	}
	served, _ := answer[0].(int64)
	rate, err := number(answer[1])
	places := make([]room.Place, n)
	for i := range places {
		status, _ := answer[2+3*i].(string)
		ahead, _ := answer[3+3*i].(int64)
		mark, markErr := number(answer[4+3*i])
		err = errors.Join(err, markErr)
		places[i] = room.Place{Status: room.Status(status), Ahead: ahead, Mark: mark, Served: served, Rate: rate}
	}
	return places, err
}

func number(value any) (float64, error) {
	text, _ := value.(string)
	return strconv.ParseFloat(text, 64)
}

// Head implements room.Room.
func (r *Room) Head(ctx context.Context, event tickets.EventID) (room.Head, error) {
	keys := r.keys(event)
	pipe := r.client.redis.TxPipeline()
	waiting := pipe.ZCard(ctx, keys[0])
	state := pipe.HMGet(ctx, keys[2], "open", "served", "mark", "rate")
	if _, err := pipe.Exec(ctx); err != nil {
		return room.Head{}, fmt.Errorf("redis: head of %s: %w", event, err)
	}
	var held struct {
		Open   bool    `redis:"open"`
		Served int64   `redis:"served"`
		Mark   float64 `redis:"mark"`
		Rate   float64 `redis:"rate"`
	}
	if err := state.Scan(&held); err != nil {
		return room.Head{}, fmt.Errorf("redis: head of %s: %w", event, err)
	}
	return room.Head{Open: held.Open, Waiting: waiting.Val(), Served: held.Served, Mark: held.Mark, Rate: held.Rate}, nil
}

// Guard implements room.Room.
func (r *Room) Guard(ctx context.Context, event tickets.EventID, keeper string, d time.Duration) (int64, error) {
	keys := []string{r.client.key(event, "keeper"), r.client.key(event, "room")}
	token, err := guardScript.Run(ctx, r.client.redis, keys, keeper, d.Milliseconds()).Int64()
	if err != nil {
		return 0, fmt.Errorf("redis: guard %s: %w", event, err)
	}
	if token == 0 {
		return 0, room.ErrGuarded
	}
	return token, nil
}

// Open implements room.Room.
func (r *Room) Open(ctx context.Context, event tickets.EventID) error {
	if err := r.client.redis.HSetNX(ctx, r.keys(event)[2], "open", 1).Err(); err != nil {
		return fmt.Errorf("redis: open %s: %w", event, err)
	}
	return nil
}

// Admit implements room.Room.
func (r *Room) Admit(ctx context.Context, event tickets.EventID, token int64, n int, rate float64) ([]tickets.Account, error) {
	answer, err := admitScript.Run(ctx, r.client.redis, r.keys(event), token, n, rate).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: admit to %s: %w", event, err)
	}
	names, ok := answer.([]any)
	if !ok {
		return nil, room.ErrRelieved
	}
	accounts := make([]tickets.Account, len(names))
	for i, name := range names {
		account, _ := name.(string)
		accounts[i] = tickets.Account(account)
	}
	return accounts, nil
}

// Leave implements room.Room.
func (r *Room) Leave(ctx context.Context, event tickets.EventID, account tickets.Account) error {
	keys := r.keys(event)
	pipe := r.client.redis.TxPipeline()
	pipe.ZRem(ctx, keys[0], string(account))
	pipe.SRem(ctx, keys[1], string(account))
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("redis: leave %s: %w", event, err)
	}
	return nil
}
