package catalog_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/infra/backend"
	"designkits/infra/backend/catalog"
	"designkits/shared/testenv"
)

// shared is the site of a backend that `kit test` has started.
func shared(t *testing.T, name string) (backend.Backend, backend.Site) {
	t.Helper()
	b, ok := catalog.ByName(name)
	if !ok {
		t.Fatalf("no backend %s", name)
	}
	site := backend.Site{Ports: map[string]int{}, Data: testenv.Data(t, name)}
	for _, p := range b.Ports {
		if !p.Internal {
			_, port, err := net.SplitHostPort(testenv.Addr(t, name+"."+p.Name))
			if err != nil {
				t.Fatal(err)
			}
			site.Ports[p.Name], _ = strconv.Atoi(port)
		}
	}
	return b, site
}

// within is a context that ends with the test, or after a while.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, d time.Duration, ask func() error) {
	t.Helper()
	deadline, tick := time.After(d), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not within %s: %v", what, d, err)
		case <-tick.C:
		}
	}
}

func TestReadyIsARoundTrip(t *testing.T) {
	for _, b := range catalog.All {
		t.Run(b.Name, func(t *testing.T) {
			_, site := shared(t, b.Name)
			if err := b.Ready(within(t, 30*time.Second), site); err != nil {
				t.Error(err)
			}
			// A port on which nothing serves is not ready, and says so at once.
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			closed := backend.Site{Ports: map[string]int{}}
			for _, p := range b.Ports {
				closed.Ports[p.Name] = listener.Addr().(*net.TCPAddr).Port
			}
			listener.Close()
			begun := time.Now()
			if err := b.Ready(within(t, 30*time.Second), closed); err == nil {
				t.Error("a closed port is ready")
			} else if time.Since(begun) > 20*time.Second {
				t.Errorf("a closed port took %s to be told", time.Since(begun))
			}
		})
	}
}

// An open port that doesn't speak the protocol is not ready either.
func TestAnOpenPortIsNotReady(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, b := range catalog.All {
		t.Run(b.Name, func(t *testing.T) {
			site := backend.Site{Ports: map[string]int{}}
			for _, p := range b.Ports {
				site.Ports[p.Name] = listener.Addr().(*net.TCPAddr).Port
			}
			if err := b.Ready(within(t, time.Second), site); err == nil {
				t.Error("a port that is silent is ready")
			}
		})
	}
}

// What a namespace holds of one kind of thing in a backend.
type store struct {
	backend string
	put     func(t *testing.T, site backend.Site, namespace string)
	// held reports whether what put has stored is there.
	held func(t *testing.T, site backend.Site, namespace string) bool
}

func TestNamespacesDontSeeEachOther(t *testing.T) {
	for _, s := range []store{redisKeys, postgresSchemas, cassandraKeyspaces, dynamoTables, kafkaTopics, kafkaGroups, flinkJobs, flinkCheckpoints, zookeeperTrees, s3Buckets, s3Uploads} {
		t.Run(s.backend, func(t *testing.T) {
			name, _, _ := strings.Cut(s.backend, " ")
			b, site := shared(t, name)
			// The third begins with the first's letters, and is none of its own.
			one, other := testenv.Namespace(t), testenv.Namespace(t)
			lookAlike := one + "x"
			all := []string{one, other, lookAlike}
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				for _, n := range all {
					if err := b.Drop(ctx, site, n); err != nil {
						t.Error(err)
					}
				}
			})
			for _, n := range all {
				if s.held(t, site, n) {
					t.Fatalf("%s isn't empty at the beginning", n)
				}
				s.put(t, site, n)
			}
			for _, n := range all {
				if !s.held(t, site, n) {
					t.Fatalf("%s doesn't hold what was put into it", n)
				}
			}
			if err := b.Drop(within(t, time.Minute), site, one); err != nil {
				t.Fatal(err)
			}
			if s.held(t, site, one) {
				t.Errorf("%s is dropped and still there", one)
			}
			for _, n := range []string{other, lookAlike} {
				if !s.held(t, site, n) {
					t.Errorf("dropping %s took %s with it", one, n)
				}
			}
			if err := b.Drop(within(t, time.Minute), site, one); err != nil {
				t.Errorf("dropping what is gone: %v", err)
			}
		})
	}
}

func redisClient(t *testing.T, site backend.Site) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: site.Addr("redis")})
	t.Cleanup(func() { c.Close() })
	return c
}

var redisKeys = store{
	backend: "redis",
	put: func(t *testing.T, site backend.Site, namespace string) {
		c := redisClient(t, site)
		for i := range 3000 { // more than one page of a scan
			if err := c.Set(t.Context(), fmt.Sprintf("%s:link:%d", namespace, i), i, 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		var keys []string
		scan := redisClient(t, site).Scan(t.Context(), 0, namespace+":*", 1000).Iterator()
		for scan.Next(t.Context()) {
			keys = append(keys, scan.Val())
		}
		if err := scan.Err(); err != nil {
			t.Fatal(err)
		}
		if n := len(keys); n != 0 && n < 3000 {
			t.Fatalf("%d of 3000 keys are left", n)
		}
		return len(keys) > 0
	},
}

func cassandraSession(t *testing.T, site backend.Site) *gocql.Session {
	cluster := gocql.NewCluster(site.Addr("cql"))
	cluster.Timeout = 30 * time.Second
	cluster.DisableInitialHostLookup = true
	session, err := cluster.CreateSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session
}

func cassandraPut(t *testing.T, session *gocql.Session, keyspace string) {
	for _, statement := range []string{
		"CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
		"CREATE TABLE " + keyspace + ".links (code text PRIMARY KEY, target text)",
		"INSERT INTO " + keyspace + ".links (code, target) VALUES ('a', 'b')",
	} {
		if err := session.Query(statement).WithContext(t.Context()).Exec(); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

var cassandraKeyspaces = store{
	backend: "cassandra",
	put: func(t *testing.T, site backend.Site, namespace string) {
		cassandraPut(t, cassandraSession(t, site), namespace)
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		var n int
		err := cassandraSession(t, site).
			Query("SELECT count(*) FROM system_schema.keyspaces WHERE keyspace_name = ?", namespace).WithContext(t.Context()).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n > 0
	},
}

func kafkaClient(t *testing.T, site backend.Site, options ...kgo.Opt) *kgo.Client {
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(site.Addr("kafka"))}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var kafkaTopics = store{
	backend: "kafka topics",
	put: func(t *testing.T, site backend.Site, namespace string) {
		c := kafkaClient(t, site)
		if _, err := kadm.NewClient(c).CreateTopic(t.Context(), 2, 1, nil, namespace+".clicks"); err != nil {
			t.Fatal(err)
		}
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: namespace + ".clicks", Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		topics, err := kadm.NewClient(kafkaClient(t, site)).ListTopics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return topics.Has(namespace + ".clicks")
	},
}

var kafkaGroups = store{
	backend: "kafka groups",
	put: func(t *testing.T, site backend.Site, namespace string) {
		admin := kadm.NewClient(kafkaClient(t, site))
		if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, namespace+".read"); err != nil {
			t.Fatal(err)
		}
		offsets := kadm.Offsets{}
		offsets.Add(kadm.Offset{Topic: namespace + ".read", At: 0})
		// The group's coordinator may not have heard of the topic yet.
		eventually(t, "commit an offset", 2*time.Minute, func() error {
			return admin.CommitAllOffsets(t.Context(), namespace+".mover", offsets)
		})
		// A member with a name of its own stays in the group when it has ended.
		joined, once := make(chan struct{}), sync.Once{} // a topic that it hears of later is another rebalance
		member := kafkaClient(t, site, kgo.ConsumerGroup(namespace+".mover"), kgo.ConsumeTopics(namespace+".read"), kgo.InstanceID("mover"),
			kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { once.Do(func() { close(joined) }) }))
		select {
		case <-joined:
			member.Close()
		case <-within(t, 2*time.Minute).Done():
			t.Fatal("the member doesn't join its group")
		}
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		groups, err := kadm.NewClient(kafkaClient(t, site)).ListGroups(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, ok := groups[namespace+".mover"]
		return ok
	},
}
