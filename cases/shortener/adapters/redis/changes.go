package redis

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"designkits/cases/shortener"

	"github.com/redis/go-redis/v9"
)

// Changes is shortener.Changes over one Redis stream. Each change carries the
// id of the one before it, so a follower knows whether it has seen all. Where
// it hasn't, since the stream was trimmed past it while it was away, or Redis
// has lost its data, everything learned before is given up (lost).
type Changes struct {
	client *Client
	log    *slog.Logger
	keep   int
	heard  atomic.Int64 // Unix ns of the last word of Redis that nothing is missing
}

const (
	// keepChanges is about how many changes the stream holds: a follower may
	// be away for as long as that many take, minutes at 1,000 a second.
	keepChanges = 100_000
	// changesBatch is how many are read at once.
	changesBatch = 512
	// listenFor is how long one read waits for a change.
	listenFor = 200 * time.Millisecond
	// answerWithin is how much longer than that Redis may take.
	answerWithin = 300 * time.Millisecond
	// liveFor is how long one word of Redis counts: longer than a read may
	// take, and shorter than shortener.StaleLimit by a margin.
	liveFor = 700 * time.Millisecond
	// reconnectPause is between two tries.
	reconnectPause = 50 * time.Millisecond
)

// Changes returns the stream of changes. It logs when it is lost and found.
func (c *Client) Changes(log *slog.Logger) *Changes {
	return &Changes{client: c, log: log, keep: keepChanges}
}

//go:embed announce.lua
var announceSource string

var announceScript = redis.NewScript(announceSource)

func (c *Changes) stream() string { return c.client.namespace + ":changes" }

// Announce implements shortener.Changes.
func (c *Changes) Announce(ctx context.Context, e shortener.Entry) error {
	err := announceScript.Run(ctx, c.client.redis, []string{c.stream()}, c.keep, encode(e)).Err()
	if err != nil {
		return fmt.Errorf("redis: announce %q: %w", e.Link.Code, err)
	}
	return nil
}

// Live implements shortener.Changes.
func (c *Changes) Live() bool { return time.Now().UnixNano()-c.heard.Load() < int64(liveFor) }

// Follow implements shortener.Changes. It may be called once.
func (c *Changes) Follow(ctx context.Context, apply func(shortener.Entry), lost func()) error {
	f := follower{Changes: c, apply: apply, lost: lost}
	for {
		err := f.listen(ctx)
		c.heard.Store(0)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f.connected {
			c.log.Warn("changes of links can't be heard", "error", err.Error())
		}
		f.connected = false
		select {
		case <-time.After(reconnectPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A follower is one run of Follow.
type follower struct {
	*Changes
	apply func(shortener.Entry)
	lost  func()

	last      string // id of the last change seen; "" before the first connection
	connected bool
}

// listen follows over one connection until that fails or the context ends.
func (f *follower) listen(ctx context.Context) error {
	conn := f.client.redis.Conn()
	defer conn.Close()
	if _, err := f.locate(ctx, conn); err != nil {
		return err
	}
	for ctx.Err() == nil { // a blocked read doesn't hear of the context's end
		asked := time.Now() // what came later may be missing, however long this takes
		changes, err := f.read(ctx, conn)
		if err != nil {
			return err
		}
		for _, change := range changes {
			f.take(change)
		}
		all := len(changes) < changesBatch
		if len(changes) == 0 {
			asked = time.Now()
			if all, err = f.locate(ctx, conn); err != nil {
				return err
			}
		}
		if all {
			f.heard.Store(asked.UnixNano())
			if !f.connected {
				f.connected = true
				f.log.Info("hearing changes of links")
			}
		}
	}
	return ctx.Err()
}

// locate compares where this follower is with where the stream is, and reports
// whether that is at the tip. Behind is fine; ahead means that the stream was
// lost. At first it begins at the tip: what was learned before that can't be
// corrected.
func (f *follower) locate(ctx context.Context, conn *redis.Conn) (atTip bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	newest, err := conn.XRevRangeN(ctx, f.stream(), "+", "-", 1).Result()
	if err != nil {
		return false, fmt.Errorf("redis: find the tip of the changes: %w", err)
	}
	tip := "0-0"
	if len(newest) > 0 {
		tip = newest[0].ID
	}
	if f.last == "" || compareIDs(tip, f.last) < 0 {
		if f.last != "" {
			f.log.Warn("the stream of changes was lost: reading everything again")
		}
		f.last = tip
		f.lost()
	}
	return tip == f.last, nil
}

// read waits for the next changes; none within listenFor is no error.
func (f *follower) read(ctx context.Context, conn *redis.Conn) ([]redis.XMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, listenFor+answerWithin)
	defer cancel()
	streams, err := conn.XRead(ctx, &redis.XReadArgs{
		Streams: []string{f.stream(), f.last}, Count: changesBatch, Block: listenFor,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("redis: read changes: %w", err)
	}
	return streams[0].Messages, nil
}

// take applies one change, and gives up what was learned before it when those
// in between are missing.
func (f *follower) take(change redis.XMessage) {
	before, _ := change.Values["before"].(string)
	value, _ := change.Values["entry"].(string)
	e, err := decode(value)
	if before != f.last || err != nil {
		f.log.Warn("changes were missed: reading everything again", "after", f.last, "got", change.ID)
		f.lost()
	}
	f.last = change.ID
	if err == nil {
		f.apply(e)
	}
}

// compareIDs orders ids of a stream, "MS-SEQ".
func compareIDs(a, b string) int {
	aTime, aSeq := splitID(a)
	bTime, bSeq := splitID(b)
	return cmp.Or(cmp.Compare(aTime, bTime), cmp.Compare(aSeq, bSeq))
}

func splitID(id string) (ms, seq uint64) {
	left, right, _ := strings.Cut(id, "-")
	ms, _ = strconv.ParseUint(left, 10, 64) // Redis made it
	seq, _ = strconv.ParseUint(right, 10, 64)
	return ms, seq
}
