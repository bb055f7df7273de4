package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"designkits/cases/tickets"
	"designkits/cases/tickets/venue"
	harness "designkits/shared/bench"
	"designkits/shared/kitenv"
	"designkits/shared/load"
	"designkits/shared/rig"
)

// fast is the objective under which throughput is compared.
var fast = load.SLO{P99: 50 * time.Millisecond, Failed: 0}

var holdsHTTP = harness.Bench{
	Name:  "holds-http",
	About: "holds over HTTP against a bare handler that runs the same script by one EVALSHA",
	Run: func(ctx context.Context, r *harness.Run) error {
		// So many that no seat comes up again while it is held, and so few that both
		// sides' seats fit into Redis beside all else.
		events := []tickets.EventID{"evening-0", "evening-1"}
		blocks, err := blocksOf("stadium")
		if err != nil {
			return err
		}
		bodies := make([][]byte, len(blocks))
		for i, seats := range blocks {
			if bodies[i], err = json.Marshal(map[string]any{"seats": seats}); err != nil {
				return err
			}
		}
		holds := func(n int, token string) load.Request {
			return load.Request{
				Method: http.MethodPost, Path: "/api/events/" + string(events[n/len(bodies)%len(events)]) + "/holds", Body: bodies[n%len(bodies)],
				Header: [][2]string{{"Content-Type", "application/json"}, {"Authorization", "Bearer " + token}, {"Idempotency-Key", fmt.Sprint("k", n)}},
			}
		}
		return againstBare(ctx, r, "booking", "holds-http", events, holds, http.StatusCreated)
	},
}

var roomJoins = harness.Bench{
	Name:  "room-joins",
	About: "joining the waiting room over HTTP, with the bot defence on, against a bare handler with one ZADD",
	Run: func(ctx context.Context, r *harness.Run) error {
		var rooms []tickets.EventID
		for n := range 20 {
			rooms = append(rooms, tickets.EventID(fmt.Sprint("evening-", n)))
		}
		joins := func(n int, token string) load.Request {
			return load.Request{Method: http.MethodPost, Path: "/api/room/" + string(rooms[n/perRoom%len(rooms)]), Header: append([][2]string{
				{"Authorization", "Bearer " + token}, {"Idempotency-Key", fmt.Sprint("k", n)},
				{"X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", n>>16&0xff, n>>8&0xff, n&0xff)},
			}, browser...)}
		}
		return againstBare(ctx, r, "gate", "room-joins", rooms, joins, http.StatusOK)
	},
}

// perRoom is how many join one room before the next is joined, and the one before
// is given up: millions come in the course of this bench, and Redis is small.
const perRoom = 100_000

// browser are the headers of an ordinary one, which nothing is suspected of.
var browser = [][2]string{
	{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	{"Accept-Language", "de,en;q=0.7"}, {"Accept-Encoding", "gzip, deflate"}, {"Sec-Fetch-Site", "same-origin"},
}

// holdFor is how long seats are held where holds are counted.
const holdFor = 5 * time.Second

// againstBare compares one process of the case with the bare handler. Each
// request is another fan's, and the nth of a side, over all its runs.
func againstBare(ctx context.Context, r *harness.Run, process, name string, events []tickets.EventID, request func(n int, token string) load.Request, status int) (err error) {
	s, err := openStore(ctx, 2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	if err := s.sells(ctx, "stadium", false, holdFor, events...); err != nil {
		return err
	}
	c, err := rig.Start(ctx, rig.Options{Namespace: s.namespace, Only: []string{process}, Env: secrets})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop(context.WithoutCancel(ctx))) }()
	addr, err := kitenv.Addr("redis")
	if err != nil {
		return err
	}
	base, err := rig.StartProgram(ctx, ".", "./bench/bare", map[string]string{"REDIS": addr, "NAMESPACE": s.namespace + "_bare", "HOLD_FOR": holdFor.String()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Stop(context.WithoutCancel(ctx))) }()
	instance := process
	if process == "booking" {
		instance = "booking-1"
	}
	plain := goredis.NewClient(&goredis.Options{Addr: addr})
	defer plain.Close()
	call := func(addr, namespace string) load.Call {
		var sent atomic.Int64
		return load.HTTP(addr, workers, func(int) load.Request {
			n := int(sent.Add(1))
			if process == "gate" && n%perRoom == 0 {
				before := string(events[(n/perRoom+len(events)-2)%len(events)])
				plain.Unlink(ctx, namespace+":{"+before+"}:queue", namespace+":"+before) // a failure shows where Redis is full
			}
			return request(n, session())
		}, load.Status(status))
	}
	return r.Compare(ctx, harness.Comparison{
		Name: name, From: 500, Workers: workers, SLO: fast, Goal: harness.RatioAtLeast(0.6),
		Baseline: call(base.Addr, s.namespace+"_bare"), Candidate: call(c.Addr(instance), s.namespace),
	})
}

// blocksOf cuts the rows of a hall into claims of two seats, and three at the
// end of a row of odd length, so that none leaves a seat alone.
func blocksOf(hall string) ([][]tickets.SeatID, error) {
	halls, err := venue.Shipped()
	if err != nil {
		return nil, err
	}
	var blocks [][]tickets.SeatID
	for _, section := range halls[hall].Sections {
		if section.Standing > 0 {
			continue
		}
		for _, row := range section.Rows {
			left := row.Seats
			for ; len(left) > 3; left = left[2:] {
				blocks = append(blocks, left[:2])
			}
			blocks = append(blocks, left)
		}
	}
	return blocks, nil
}
