package demo_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"designkits/cases/tickets/demo"
)

// forge writes a sale of the latest event into the books that no order has made.
func forge(t *testing.T, cfg demo.Config) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), "postgres://kit@"+cfg.Postgres+"/kit?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	_, err = db.Exec(t.Context(), `
		INSERT INTO `+pgx.Identifier{cfg.Namespace, "sales"}.Sanitize()+` (event, seat, order_id, account, token)
		SELECT event, 'stalls/nowhere/1', 'forged', account, token FROM `+pgx.Identifier{cfg.Namespace, "sales"}.Sanitize()+`
		WHERE event LIKE 'demo-%' ORDER BY event DESC LIMIT 1`)
	if err != nil {
		t.Fatal(err)
	}
}
