package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	harness "designkits/shared/bench"
)

var roomMemory = harness.Bench{
	Name:  "room-memory",
	About: "half a million accounts join the waiting room: by how much Redis's memory grows",
	Run: func(ctx context.Context, r *harness.Run) (err error) {
		people := int64(500_000)
		if r.Quick {
			people /= 100
		}
		s, err := openStore(ctx, 2)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close(ctx)) }()
		before, err := s.memory(ctx)
		if err != nil {
			return err
		}
		if err := s.fill(ctx, people); err != nil {
			return err
		}
		after, err := s.memory(ctx)
		if err != nil {
			return err
		}
		head, err := s.redis.Room().Head(ctx, "evening")
		if err != nil {
			return err
		}
		if head.Waiting != people {
			return fmt.Errorf("%d joined, and %d wait", people, head.Waiting)
		}
		r.Report(harness.Result{
			Name: "room-memory", Value: float64(after-before) / (1 << 20), Unit: "MiB",
			Note: fmt.Sprintf("%d wait, %d bytes each; counts of tries, which end after two minutes, are not in it", people, (after-before)/people),
		}, harness.AtMost(120))
		return nil
	},
}

// fill lets so many join before the sale.
func (s *store) fill(ctx context.Context, people int64) error {
	var came atomic.Int64
	all, ctx := errgroup.WithContext(ctx)
	for range 4 * workers {
		all.Go(func() error {
			for came.Add(1) <= people {
				account := identity.NewAccount()
				if _, err := s.redis.Room().Join(ctx, "evening", account, room.Lot([]byte(secret), "evening", account)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// memory is what Redis has allocated, in bytes.
func (s *store) memory(ctx context.Context) (int64, error) {
	client := goredis.NewClient(&goredis.Options{Addr: s.redisAt})
	defer client.Close()
	info, err := client.InfoMap(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis for its memory: %w", err)
	}
	return strconv.ParseInt(info["Memory"]["used_memory"], 10, 64)
}
