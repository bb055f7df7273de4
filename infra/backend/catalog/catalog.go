// Package catalog lists the backends. A new one is a folder beside this one
// and a line here.
package catalog

import (
	"designkits/infra/backend"
	"designkits/infra/backend/cassandra"
	"designkits/infra/backend/dynamodb"
	"designkits/infra/backend/flink"
	"designkits/infra/backend/kafka"
	"designkits/infra/backend/nginx"
	"designkits/infra/backend/redis"
)

// All is every backend that the kit knows, in the order in which people are
// shown them.
var All = []backend.Backend{
	redis.Backend,
	cassandra.Backend,
	dynamodb.Backend,
	kafka.Backend,
	flink.Backend,
	nginx.Backend,
}

// ByName returns the backend of that name.
func ByName(name string) (backend.Backend, bool) {
	for _, b := range All {
		if b.Name == name {
			return b, true
		}
	}
	return backend.Backend{}, false
}
