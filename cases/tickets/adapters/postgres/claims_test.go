package postgres_test

import (
	"context"
	"testing"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/claimstest"
	"designkits/shared/testenv"
)

func open(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{
		Addr: testenv.Addr(t, "postgres"), Namespace: testenv.Namespace(t), Timeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// opened returns claims by a strategy for the contract.
func opened(db *postgres.DB, strategy postgres.Strategy) claimstest.Open {
	return func(ctx context.Context, event tickets.EventID, seats []tickets.SeatID) (tickets.Claims, error) {
		claims, err := db.Claims(strategy)
		if err != nil {
			return nil, err
		}
		return claims, db.AddSeats(ctx, event, seats)
	}
}

func TestClaims(t *testing.T) {
	db := open(t)
	for _, strategy := range postgres.Strategies() {
		t.Run(string(strategy), func(t *testing.T) { claimstest.Run(t, opened(db, strategy)) })
	}
}

func TestTheContractCatchesCheckThenAct(t *testing.T) {
	claimstest.Catches(t, opened(open(t), postgres.CheckThenAct), "of many claims on one seat one is granted")
}

func TestAStrategyThatIsUnknown(t *testing.T) {
	if _, err := open(t).Claims("hope"); err == nil {
		t.Error("it was accepted")
	}
}
