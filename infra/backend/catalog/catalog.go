// Package catalog lists the backends. A new one is a folder beside this one
// and a line here.
package catalog

import (
	"slices"

	"designkits/infra/backend"
	"designkits/infra/backend/cassandra"
	"designkits/infra/backend/dynamodb"
	"designkits/infra/backend/flink"
	"designkits/infra/backend/kafka"
	"designkits/infra/backend/nginx"
	"designkits/infra/backend/postgres"
	"designkits/infra/backend/redis"
	"designkits/infra/backend/s3"
	"designkits/infra/backend/zookeeper"
)

// All is every backend that the kit knows, in the order in which people are
// shown them.
var All = []backend.Backend{
	redis.Backend,
	postgres.Backend,
	cassandra.Backend,
	dynamodb.Backend,
	kafka.Backend,
	flink.Backend,
	zookeeper.Backend,
	s3.Backend,
	nginx.Backend,
}

// OnDemand are those that are started only where something names them.
var OnDemand = []backend.Backend{
	cassandra.Three,
}

// Known is both.
var Known = slices.Concat(All, OnDemand)

// ByName returns the backend of that name.
func ByName(name string) (backend.Backend, bool) {
	for _, b := range Known {
		if b.Name == name {
			return b, true
		}
	}
	return backend.Backend{}, false
}
