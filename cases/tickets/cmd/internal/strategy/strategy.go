// Package strategy gives the processes of the case their tickets.Claims by the
// name of the strategy, so that all of them use the same.
package strategy

import (
	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
)

// RedisLua is the default: holds in Redis, and PostgreSQL's constraint. SetNX is
// one of the wrong ones; the others' names are those of postgres.Strategy.
const (
	RedisLua = "redis-lua"
	SetNX    = "setnx"
)

// Claims returns the claims by a strategy.
func Claims(name string, db *postgres.DB, in *redis.Client) (tickets.Claims, error) {
	switch name {
	case RedisLua:
		return in.Claims(db.Sales()), nil
	case SetNX:
		return in.SetNX(), nil
	}
	return db.Claims(postgres.Strategy(name))
}
