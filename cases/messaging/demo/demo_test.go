package demo_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/demo"
	"designkits/shared/casetest"
	"designkits/shared/cql"
	"designkits/shared/lab"
	"designkits/shared/leaktest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

func TestAConversationOfThreePeopleWithFourDevices(t *testing.T) {
	leaktest.Check(t)
	c := casetest.Start(t, rig.Options{Only: []string{"gateway", "chat", "keys"}, Env: map[string]string{"SESSION_TIMEOUT": "2s", "CASSANDRA_TIMEOUT": "10s"}})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	config := func() demo.Config {
		cfg := demo.Defaults("http://" + c.Addr("gateway-1") + "/")
		cfg.Cassandra, cfg.Namespace = c.Lab["CASSANDRA"], c.Lab["NAMESPACE"]
		cfg.Between, cfg.Patience, cfg.Within = 40, 90*time.Second, 5*time.Minute // the machine is busy with other tests
		return cfg
	}
	kill := func(name string) demo.Fault {
		return demo.Fault{Name: "kill -9 " + name, Ends: name == "", Strike: func(ctx context.Context, gateway string) error {
			if name != "" {
				return c.Kill(ctx, name)
			}
			return c.Kill(ctx, gateway)
		}}
	}
	t.Run("a gateway and an owner are killed in the middle, and nothing is missing", func(t *testing.T) {
		cfg := config()
		cfg.Faults = []demo.Fault{kill(""), kill("chat-1"), kill("")}
		if err := demo.Run(t.Context(), cfg, show(t)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a journey that takes too long doesn't hold", func(t *testing.T) {
		cfg := config()
		cfg.Within = time.Millisecond
		var last lab.Step
		err := demo.Run(t.Context(), cfg, func(s lab.Step) { show(t)(s); last = s })
		if !errors.Is(err, lab.ErrFailed) || last.OK || !strings.Contains(last.Figure, "from start to verdict") {
			t.Errorf("%v: %+v", err, last)
		}
	})
	t.Run("a body that is gone from the history doesn't hold", func(t *testing.T) {
		cfg := config()
		db, err := cassandra.Open(t.Context(), cassandra.Config{Config: cql.Config{Hosts: []string{testenv.Addr(t, "cassandra")}, Keyspace: c.Namespace}, Timeout: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var failed lab.Step
		err = demo.Run(t.Context(), cfg, func(s lab.Step) {
			show(t)(s)
			if !s.OK {
				failed = s
			}
			if strings.HasPrefix(s.Step, "nothing lost") { // the next step reads
				forget(t, c, db)
			}
		})
		if !errors.Is(err, lab.ErrFailed) || !strings.Contains(failed.Figure, "isn't what was written") {
			t.Errorf("%v: %+v", err, failed)
		}
	})
}

// forget takes the bodies of each conversation's second message away.
func forget(t *testing.T, c *rig.Case, db *cassandra.DB) {
	t.Helper()
	cluster := gocql.NewCluster(c.Lab["CASSANDRA"])
	cluster.Keyspace, cluster.Timeout, cluster.ConnectTimeout = c.Namespace, 30*time.Second, 30*time.Second
	session, err := cluster.CreateSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	rows := session.Query(`SELECT conversation FROM conversations`).WithContext(t.Context()).Iter()
	for id := ""; rows.Scan(&id); {
		if err := db.History().Forget(t.Context(), messaging.ConversationID(id), 2); err != nil {
			t.Error(err)
		}
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
}

func show(t *testing.T) func(lab.Step) {
	return func(s lab.Step) {
		t.Logf("%-45s %-5v %5d ms  %s", s.Step, s.OK, s.MS, s.Figure)
	}
}
