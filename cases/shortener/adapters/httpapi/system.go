package httpapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"designkits/cases/shortener"
	"designkits/cases/shortener/clicks"
	"designkits/shared/httpjson"
)

// A System is what a replica knows of itself and of its stores.
type System struct {
	Replica string
	Started time.Time

	Breaker   *shortener.Breaker
	Changes   shortener.Changes
	Publisher *shortener.Publisher
	Resolver  *shortener.Resolver
	Limiter   *shortener.FallbackLimiter
	Recorder  interface {
		State() clicks.RecorderState
	}

	// Pings make one round trip each.
	Redis, Cassandra, Kafka func(context.Context) error

	mu     sync.Mutex
	probed time.Time
	up     [3]bool
}

type systemJSON struct {
	Replica   string        `json:"replica"`
	Started   time.Time     `json:"started"`
	Redis     redisJSON     `json:"redis"`
	Cassandra cassandraJSON `json:"cassandra"`
	Kafka     kafkaJSON     `json:"kafka"`

	Resolver shortener.ResolverFigures `json:"resolver"`
}

type redisJSON struct {
	Up      bool   `json:"up"`
	Breaker string `json:"breaker"` // closed, half-open or open
	Live    bool   `json:"live"`    // hears of changes of links
	Untold  int    `json:"untold"`  // changes that wait to be told to others
	Local   int64  `json:"local"`   // limits judged without it
}

type cassandraJSON struct {
	Up bool `json:"up"`
}

type kafkaJSON struct {
	Up      bool  `json:"up"`
	Spooled int64 `json:"spooled"` // clicks on disk that wait for it
	Dropped int64 `json:"dropped"` // clicks lost since the start
}

const (
	probeEvery  = time.Second
	probeWithin = 500 * time.Millisecond
)

// probe asks the stores whether they are there, at most once in a while.
func (s *System) probe(ctx context.Context) (redis, cassandra, kafka bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.probed) >= probeEvery {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeWithin)
		defer cancel()
		var asking sync.WaitGroup
		for i, ping := range []func(context.Context) error{s.Redis, s.Cassandra, s.Kafka} {
			asking.Go(func() { s.up[i] = ping(ctx) == nil })
		}
		asking.Wait()
		s.probed = time.Now()
	}
	return s.up[0], s.up[1], s.up[2]
}

// system tells the page how this replica and its stores are doing.
func (s *Server) system(w http.ResponseWriter, r *http.Request) error {
	if err := s.Gate.Enter(s.client(r)); err != nil {
		return err
	}
	sys := s.System
	redis, cassandra, kafka := sys.probe(r.Context())
	recorder := sys.Recorder.State()
	return httpjson.Write(w, http.StatusOK, systemJSON{
		Replica: sys.Replica, Started: sys.Started,
		Redis: redisJSON{
			Up: redis, Breaker: sys.Breaker.State(), Live: sys.Changes.Live(),
			Untold: sys.Publisher.Waiting(), Local: sys.Limiter.Local(),
		},
		Cassandra: cassandraJSON{Up: cassandra},
		Kafka:     kafkaJSON{Up: kafka, Spooled: recorder.Waiting, Dropped: recorder.Dropped},
		Resolver:  sys.Resolver.Figures(),
	})
}
