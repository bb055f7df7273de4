package clicks_test

import (
	"testing"
	"time"

	"designkits/cases/shortener/adapters/cassandra"
	"designkits/cases/shortener/clicks"
	"designkits/shared/fault/link"
	"designkits/shared/testenv"
)

// visitors returns those of one replica; all of a namespace share their salts.
func visitors(t *testing.T, namespace string) *clicks.Visitors {
	t.Helper()
	db := openSalts(t, namespace, testenv.Addr(t, "cassandra"))
	defer db.Close()
	return clicks.NewVisitors(t.Context(), db.Salts())
}

func openSalts(t *testing.T, namespace, addr string) *cassandra.DB {
	t.Helper()
	db, err := cassandra.Open(t.Context(), cassandra.Config{Hosts: []string{addr}, Keyspace: namespace, Timeout: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAVisitorIsTheSameOnAllReplicasForADay(t *testing.T) {
	namespace := testenv.Namespace(t)
	one, two := visitors(t, namespace), visitors(t, namespace)
	now := time.Now().UTC()
	// Away from midnight, which would make these two days.
	for now.Hour() == 23 && now.Minute() > 50 {
		now = now.Add(-time.Hour)
	}
	hash := one.Hash(now, "192.0.2.1", "agent")
	if got := two.Hash(now.Add(time.Second), "192.0.2.1", "agent"); got != hash {
		t.Errorf("another replica says %s, want %s", got, hash)
	}
	for what, got := range map[string]string{
		"another address":     one.Hash(now, "192.0.2.2", "agent"),
		"another agent":       one.Hash(now, "192.0.2.1", "agent2"),
		"the text cut anew":   one.Hash(now, "192.0.2.1a", "gent"),
		"the next day":        one.Hash(now.Add(24*time.Hour), "192.0.2.1", "agent"),
		"another case's salt": visitors(t, testenv.Namespace(t)).Hash(now, "192.0.2.1", "agent"),
	} {
		if got == hash || len(got) != len(hash) {
			t.Errorf("%s: %s, the same visitor is %s", what, got, hash)
		}
	}
}

// A replica that began with a salt of its own would change it among the clicks, and
// count twice whoever clicked before and after.
func TestTheFirstSaltIsAwaitedFromASlowStore(t *testing.T) {
	namespace := testenv.Namespace(t)
	way, err := link.Open(testenv.Addr(t, "cassandra"))
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	db := openSalts(t, namespace, way.Addr())
	defer db.Close()
	if err := way.Delay(3 * time.Second); err != nil {
		t.Fatal(err)
	}
	slow, other := clicks.NewVisitors(t.Context(), db.Salts()), visitors(t, namespace)
	now := time.Now()
	if got, want := slow.Hash(now, "192.0.2.1", "agent"), other.Hash(now, "192.0.2.1", "agent"); got != want {
		t.Errorf("who waited for a slow store says %s, another replica %s", got, want)
	}
}
