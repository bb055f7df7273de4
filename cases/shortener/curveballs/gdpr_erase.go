package curveballs

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/gocql/gocql"
	"github.com/redis/go-redis/v9"

	"designkits/shared/curveball"
	"designkits/shared/kitenv"
	"designkits/shared/rig"
)

// GDPRErase is a user who wants to be forgotten.
var GDPRErase = curveball.Experiment{
	Name:       "gdpr-erase",
	Question:   "A user asks for everything of theirs to be erased, clicks included. What is left, and where?",
	Hypothesis: "Nothing that names them or shows where their links led, in any store.",
	Answer: `Deleting the links is the easy half. The owner also stands in an index by month, in the key, in the
names of token buckets, and, with the old targets, in the stream of changes that replicas follow:
[Erase](erase.go) knows each of them but the key, which the [handler](adapters/httpapi/auth.go) removes last. Visitors were never written down: a click has classes and a hash whose salt
is gone after two days, so there is nobody to erase. Kafka can't delete one user's records; it needn't,
since a click names a code and no owner, and the log forgets in seven days. A tombstone, the mark
that Cassandra writes for what is deleted, hides a row at once; the row leaves the disk within ten days and a compaction; backups must be shorter than the promise.
What stays names nobody: for two days a version for each code, so that no cache brings an old link back,
and for good the days on which the code was clicked.`,
	Expect: curveball.Bands{
		curveball.AtMost("rows left in Cassandra", "", 0),
		curveball.AtMost("entries left in Redis", "", 0),
		curveball.AtMost("counts left", "", 0),
	},
	Control: curveball.With("only the links deleted", "erase", "links"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		them, err := s.user(ctx)
		if err != nil {
			return err
		}
		const mark = "something-private"
		var codes []string
		for i := range 20 {
			body := map[string]any{"target": fmt.Sprintf("https://example.com/%s/%d", mark, i)}
			if i%4 == 0 {
				body["alias"] = fmt.Sprintf("private-%d", i)
			}
			l, err := shorten(ctx, them, body)
			if err != nil {
				return err
			}
			if err := change(ctx, them, l, map[string]any{"target": fmt.Sprintf("https://example.com/%s/changed/%d", mark, i)}); err != nil {
				return err
			}
			codes = append(codes, l.Code)
		}
		// Clicks on their links, counted before the end.
		links, err := listed(ctx, them)
		if err != nil {
			return err
		}
		s.Client.Key = them.Key // who may see the counts
		if _, err := s.click(ctx, "clicks on their links", 50, 4*time.Second, links...); err != nil {
			return err
		}
		if _, err := s.counted(ctx); err != nil {
			return err
		}
		owner, before, err := s.traces(ctx, mark, codes)
		if err != nil {
			return err
		}
		if owner == "" || before.rows == 0 || before.entries == 0 || before.counts == 0 {
			return fmt.Errorf("there is nothing to erase: %+v", before)
		}
		t.Note("before: %d rows, %d entries, %d counts", before.rows, before.entries, before.counts)
		if t.Option("erase", "all") == "all" {
			err = them.Do(ctx, http.MethodDelete, "/api/owner", nil, nil)
		} else {
			for _, code := range codes {
				if err = them.Do(ctx, http.MethodDelete, "/api/links/"+code, nil, nil); err != nil {
					break
				}
			}
		}
		if err != nil {
			return err
		}
		_, after, err := s.traces(ctx, mark+"|"+owner, codes)
		t.Figure("rows left in Cassandra", float64(after.rows))
		t.Figure("entries left in Redis", float64(after.entries))
		t.Figure("counts left", float64(after.counts))
		return err
	},
}

// traces are what is found of a user.
type traces struct{ rows, entries, counts int }

// traces looks through all that is stored for any of the words, separated by |,
// and for counts of the codes. It returns the owner of the first link found.
func (s *site) traces(ctx context.Context, words string, codes []string) (owner string, found traces, err error) {
	named := func(text string) bool {
		for word := range strings.SplitSeq(words, "|") {
			if strings.Contains(text, word) {
				return true
			}
		}
		return false
	}
	addr, err := kitenv.Addr("cassandra")
	if err != nil {
		return "", found, err
	}
	cluster := gocql.NewCluster(addr)
	cluster.Keyspace, cluster.DisableInitialHostLookup, cluster.Timeout = s.Namespace, true, 30*time.Second
	cluster.Logger = log.New(io.Discard, "", 0)
	session, err := cluster.CreateSession()
	if err != nil {
		return "", found, fmt.Errorf("look through Cassandra: %w", err)
	}
	defer session.Close()
	for _, table := range []string{"links", "links_by_owner", "owner_months", "api_keys", "clicks"} {
		rows := session.Query("SELECT * FROM " + table).WithContext(ctx).Iter()
		for row := map[string]any{}; rows.MapScan(row); row = map[string]any{} {
			switch {
			case table == "clicks":
				for _, code := range codes {
					if row["code"] == code {
						found.counts++
					}
				}
			case named(fmt.Sprint(row)):
				found.rows++
				if name, ok := row["owner"].(string); ok && owner == "" {
					owner = name
				}
			}
		}
		if err := rows.Close(); err != nil {
			return "", found, fmt.Errorf("look through %s: %w", table, err)
		}
	}
	found.entries, err = entriesNamed(ctx, s.Namespace, named)
	return owner, found, err
}

// entriesNamed counts the keys, and the members of streams, in which a word stands.
func entriesNamed(ctx context.Context, namespace string, named func(string) bool) (n int, err error) {
	addr, err := kitenv.Addr("redis")
	if err != nil {
		return 0, err
	}
	client := redis.NewClient(&redis.Options{Addr: addr})
	defer client.Close()
	keys := client.Scan(ctx, 0, namespace+":*", 1000).Iterator()
	for keys.Next(ctx) {
		if named(keys.Val()) {
			n++
			continue
		}
		switch kind, err := client.Type(ctx, keys.Val()).Result(); {
		case err != nil:
			return n, fmt.Errorf("look through Redis: %w", err)
		case kind == "string":
			value, err := client.Get(ctx, keys.Val()).Result()
			if err == nil && named(value) {
				n++
			}
		case kind == "stream":
			members, err := client.XRange(ctx, keys.Val(), "-", "+").Result()
			if err != nil {
				return n, fmt.Errorf("look through %s: %w", keys.Val(), err)
			}
			for _, m := range members {
				if named(fmt.Sprint(m.Values)) {
					n++
				}
			}
		}
	}
	return n, keys.Err()
}
