package main

import (
	"context"
	"fmt"

	"designkits/cases/shortener"
	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/adapters/dynamodb"
	"designkits/cases/shortener/codes"
	"designkits/shared/service"
)

// stores are where links and the counter of codes are kept: the two move
// together, since a code is unique by the counter of its own store. All else is
// in Cassandra either way.
type stores struct {
	links  shortener.LinkStore
	ranges codes.RangeStore
}

func openStores(ctx context.Context, s *service.Service, cfg config, db *cassandra.DB, links *cassandra.Links, failed *failures) (stores, error) {
	if cfg.Store == "cassandra" {
		return stores{links, db.Ranges()}, nil
	}
	second, err := dynamodb.Open(ctx, dynamodb.Config{Endpoint: "http://" + cfg.DynamoDB, Table: cfg.Namespace, Observe: failed.observe})
	if err != nil {
		return stores{}, err
	}
	s.OnClose(func(context.Context) error { second.Close(); return nil })
	s.Ready("dynamodb", second.Ping)
	return stores{second.Links(), second.Ranges()}, nil
}

// checkStore refuses a store that there isn't, or whose address is missing.
func (c config) checkStore() error {
	switch {
	case c.Store != "cassandra" && c.Store != "dynamodb":
		return fmt.Errorf("STORE is %q: links are kept in cassandra or in dynamodb", c.Store)
	case c.Store == "dynamodb" && c.DynamoDB == "":
		return fmt.Errorf("STORE is dynamodb, but DYNAMODB, its host:port, is not set")
	}
	return nil
}
