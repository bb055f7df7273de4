package curveballs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	goredis "github.com/redis/go-redis/v9"

	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
	"designkits/shared/curveball"
	"designkits/shared/kitenv"
)

// Stores are the case's adapters without its processes, in a namespace of their
// own, and what lies below them.
type stores struct {
	namespace string
	db        *postgres.DB
	pool      *pgxpool.Pool // of the same schema
	redis     *redis.Client
	raw       *goredis.Client
}

// connections are enough for what an experiment does at once.
const connections = 32

// openStores opens stores that end with the trial.
func openStores(ctx context.Context, t *curveball.Trial) (s *stores, err error) {
	namespace, err := kitenv.Namespace()
	if err != nil {
		return nil, err
	}
	return openStoresOf(ctx, t, namespace)
}

// openStoresOf opens the stores of a namespace.
func openStoresOf(ctx context.Context, t *curveball.Trial, namespace string) (s *stores, err error) {
	s = &stores{namespace: namespace}
	pg, err := kitenv.Addr("postgres")
	if err != nil {
		return nil, err
	}
	rd, err := kitenv.Addr("redis")
	if err != nil {
		return nil, err
	}
	if s.db, err = postgres.Open(ctx, postgres.Config{Addr: pg, Namespace: s.namespace, Connections: connections, Timeout: 20 * time.Second}); err != nil {
		return nil, err
	}
	t.Cleanup(func(context.Context) error { s.db.Close(); return nil })
	config, err := pgxpool.ParseConfig("postgres://kit@" + pg + "/kit?sslmode=disable")
	if err != nil {
		return nil, fmt.Errorf("the address of PostgreSQL, %q: %w", pg, err)
	}
	config.MaxConns = connections
	config.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{s.namespace}.Sanitize()
	if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	t.Cleanup(func(context.Context) error { s.pool.Close(); return nil })
	s.redis = redis.Open(rd, s.namespace)
	s.raw = goredis.NewClient(&goredis.Options{Addr: rd})
	t.Cleanup(func(ctx context.Context) error { return errors.Join(s.redis.Close(ctx), s.raw.Close()) })
	return s, nil
}

// keys are the names of what Redis keeps in the namespace.
func (s *stores) keys(ctx context.Context) (keys []string, err error) {
	all := s.raw.Scan(ctx, 0, s.namespace+":*", 1000).Iterator()
	for all.Next(ctx) {
		keys = append(keys, all.Val())
	}
	if err := all.Err(); err != nil {
		return nil, fmt.Errorf("list what Redis keeps: %w", err)
	}
	return keys, nil
}
