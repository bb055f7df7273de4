package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"designkits/cases/shortener"
	"designkits/shared/testenv"
)

// A wire is the way to the real server. It notes each request and can lose
// answers: the server has done what it was asked, and nobody hears.
type wire struct {
	http.RoundTripper
	mu    sync.Mutex
	asked []string        // "PutItem"
	lose  map[string]bool // the next answer to such a request
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer, err := w.RoundTripper.RoundTrip(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, operation)
	if err == nil && w.lose[operation] {
		delete(w.lose, operation)
		answer.Body.Close()
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("the answer is lost")}
	}
	return answer, err
}

// during returns what was asked while do ran.
func (w *wire) during(do func()) []string {
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
	do()
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

func (w *wire) loseNext(operation string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = map[string]bool{operation: true}
}

func openWired(t *testing.T) (*DB, *wire) {
	t.Helper()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	w := &wire{RoundTripper: transport}
	return openDB(t, func(c *Config) { c.transport = w }), w
}

// What each call costs in requests is what table.go says.
func TestEachCallIsTheRequestItIsMeantToBe(t *testing.T) {
	db, w := openWired(t)
	links, ctx := db.Links(), t.Context()
	l, alias := newLink(), newAlias()
	alias.Owner = l.Owner
	if err := db.Ranges().Bind(ctx, "fingerprint"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		call func() error
		want []string
	}{
		{"put", func() error { return links.Put(ctx, l) }, []string{"PutItem"}},
		{"claim", func() error { return links.Claim(ctx, alias) }, []string{"PutItem"}},
		{"get", func() error { _, err := links.Get(ctx, l.Code); return err }, []string{"GetItem"}},
		{"update", func() error { _, err := links.Update(ctx, l.Code, same); return err }, []string{"GetItem", "PutItem"}},
		{"by owner", func() error { _, _, err := links.ByOwner(ctx, l.Owner, "", 10); return err }, []string{"Query"}},
		{"delete", func() error { _, err := links.Delete(ctx, alias.Code, anybody); return err }, []string{"GetItem", "PutItem"}},
		{"claim over a grave", func() error { return links.Claim(ctx, alias) }, []string{"PutItem", "PutItem"}},
		{"lease", func() error { _, err := db.Ranges().Lease(ctx, 10); return err }, []string{"UpdateItem"}},
	} {
		var err error
		if got := w.during(func() { err = c.call() }); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s asked %v (%v), wanted %v", c.name, got, err, c.want)
		}
	}
}

func same(*shortener.Link) error   { return nil }
func anybody(shortener.Link) error { return nil }

// A write that is repeated because its answer was lost finds itself, and takes
// itself for nobody else.
func TestALostAnswerIsNoOtherWrite(t *testing.T) {
	db, w := openWired(t)
	links, ctx := db.Links(), t.Context()
	alias := newAlias()
	w.loseNext("PutItem")
	if err := links.Claim(ctx, alias); err != nil {
		t.Errorf("the claim: %v", err)
	}
	w.loseNext("PutItem")
	changes := 0
	after, err := links.Update(ctx, alias.Code, func(l *shortener.Link) error {
		changes++
		l.Target += "x"
		return nil
	})
	if err != nil || changes != 1 || after.Version != 2 || after.Target != alias.Target+"x" {
		t.Errorf("the update was made %d times and returned %+v (%v), wanted it once", changes, after, err)
	}
	if got, err := links.Get(ctx, alias.Code); err != nil || got != after {
		t.Errorf("stored is %+v (%v), wanted %+v", got, err, after)
	}
	w.loseNext("PutItem")
	if _, err := links.Delete(ctx, alias.Code, anybody); err != nil {
		t.Errorf("the deletion: %v", err)
	}
	if _, err := links.Get(ctx, alias.Code); !errors.Is(err, shortener.ErrNotFound) {
		t.Errorf("after the deletion: %v", err)
	}

	ranges := db.counter(unique())
	w.loseNext("PutItem")
	if err := ranges.Bind(ctx, "fingerprint"); err != nil {
		t.Errorf("bind: %v", err)
	}
	w.loseNext("UpdateItem")
	first, err := ranges.Lease(ctx, 10)
	if err != nil || first != 10 { // 0 to 9 are skipped
		t.Errorf("the lease begins at %d (%v), wanted 10", first, err)
	}
}

// item reads what the table holds, TTL or not.
func item(t *testing.T, db *DB, code shortener.Code) (r row) {
	t.Helper()
	found, err := db.client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: db.table, Key: keyItem(keyOf(code)), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := attributevalue.UnmarshalMap(found.Item, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnItemIsCollectedSomeTimeAfterItsLink(t *testing.T) {
	db := openDB(t)
	links := db.Links()
	if on, err := db.hasTTL(t.Context()); err != nil || !on {
		t.Fatalf("the table has TTL: %v (%v)", on, err)
	}
	l := newLink()
	l.Expires = l.Created.Add(time.Hour)
	if err := links.Put(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	kept := l.Expires.Add(shortener.GracePeriod + remember)
	if got := time.Unix(item(t, db, l.Code).TTL, 0); got.Before(kept) || got.After(kept.Add(2*time.Second)) {
		t.Errorf("collected from %v on, wanted %v", got, kept)
	}
	if _, err := links.Update(t.Context(), l.Code, func(l *shortener.Link) error { l.Expires = time.Time{}; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := item(t, db, l.Code); got.TTL != 0 || got.Expires != 0 {
		t.Errorf("after the expiry was taken back: %+v", got)
	}
	if _, err := links.Delete(t.Context(), l.Code, anybody); err != nil {
		t.Fatal(err)
	}
	grave := item(t, db, l.Code)
	if left := time.Until(time.Unix(grave.TTL, 0)); left > remember || left < remember-time.Minute {
		t.Errorf("a grave is collected in %v, wanted %v", left, remember)
	}
	if grave != (row{Key: grave.Key, Version: 3, Attempt: grave.Attempt, TTL: grave.TTL}) {
		t.Errorf("a grave holds more than its version: %+v", grave)
	}
}

// TTL is late. Until it has come an item is there, and its link is not.
func TestWhatIsOverIsGoneBeforeItIsCollected(t *testing.T) {
	links := openDB(t, func(c *Config) { c.Grace = time.Minute }).Links()
	over := newLink()
	over.Expires = over.Created.Add(-time.Hour)
	if err := links.Put(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	if got := item(t, links.db, over.Code); got.Code != over.Code {
		t.Fatalf("the table holds %+v, wanted the item still", got)
	}
	if _, err := links.Get(t.Context(), over.Code); !errors.Is(err, shortener.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	if page, _, err := links.ByOwner(t.Context(), over.Owner, "", 10); err != nil || len(page) != 0 {
		t.Errorf("listed are %+v (%v)", page, err)
	}
}

func TestACodeIsStoredByTheWayOfItsShape(t *testing.T) {
	db := openDB(t)
	if err := db.Links().Put(t.Context(), newAlias()); err == nil {
		t.Error("an alias was put, past the claim")
	}
	if err := db.Links().Claim(t.Context(), newLink()); err == nil {
		t.Error("a generated code was claimed")
	}
	if _, _, err := db.Links().ByOwner(t.Context(), "anybody", "", 0); err == nil {
		t.Error("a page of no links was returned")
	}
	if _, err := db.counter(unique()).Lease(t.Context(), 10); err == nil || !strings.Contains(err.Error(), "bind it first") {
		t.Errorf("a lease without a counter: %v", err)
	}
}

// Replicas that start together all find their table.
func TestReplicasMayCreateTheTableTogether(t *testing.T) {
	name := testenv.Namespace(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			db, err := Open(t.Context(), Config{Endpoint: "http://" + testenv.Addr(t, "dynamodb"), Table: name})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if err := db.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestAnErrorNamesWhatWasAskedAndWhatToType(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := Open(ctx, Config{Endpoint: "http://" + closed.Addr().String(), Table: "nowhere"}); err == nil || !strings.Contains(err.Error(), "kit status") {
		t.Errorf("without a server: %v", err)
	}
	seen := map[string]error{}
	links := openDB(t, func(c *Config) { c.Observe = func(op string, _ time.Duration, err error) { seen[op] = err } }).Links()
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = links.Get(ended, "some-alias")
	if want := "dynamodb: get link some-alias"; !errors.Is(err, context.Canceled) || !strings.HasPrefix(fmt.Sprint(err), want) || seen["get link"] == nil {
		t.Errorf("got %v, wanted %q, and it to be observed: %v", err, want, seen)
	}
}
