package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets/adapters/postgres"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// A process that starts waits for nobody's transaction, and nobody for it.
func TestAProcessStartsWhileOthersWrite(t *testing.T) {
	addr, namespace, ctx := testenv.Addr(t, "postgres"), testenv.Namespace(t), t.Context()
	config := postgres.Config{Addr: addr, Namespace: namespace, Timeout: 20 * time.Second}
	first, err := postgres.Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	conn, err := pgx.Connect(ctx, "postgres://kit@"+addr+"/kit?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO `+pgx.Identifier{namespace, "notices"}.Sanitize()+` (id) VALUES ('n')`); err != nil {
		t.Fatal(err)
	}
	starting, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	second, err := postgres.Open(starting, config)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if err := tx.Commit(ctx); err != nil {
		t.Error(err)
	}
}
