package cassandra

import (
	"testing"
	"time"

	"designkits/cases/shortener"
)

// A link that has ended is listed no more, but its row waits on the disk and names its
// owner.
func TestErasingReachesLinksThatHaveEnded(t *testing.T) {
	now := time.Now()
	links := openDB(t, func(c *Config) { c.Now = func() time.Time { return now } }).Links(numbers)
	owner := newLink().Owner
	ended := make([]shortener.Link, 2*buriedAtOnce+3)
	for i := range ended {
		l := newLink()
		l.Owner, l.Expires = owner, now.Add(time.Hour).UTC().Truncate(time.Millisecond)
		if ended[i] = l; i == 0 {
			l.Code = newAlias().Code
			ended[0] = l
			if err := links.Claim(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		} else if err := links.Put(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Hour + shortener.GracePeriod)
	for range 2 { // the first doesn't take the entries away by which they are found
		if page, _, err := links.ByOwner(t.Context(), owner, "", 100); err != nil || len(page) != 0 {
			t.Fatalf("listed are %d links, %v", len(page), err)
		}
	}
	another := ended[0] // the alias is free, and somebody else takes it
	another.Owner, another.Expires = "another-"+owner, time.Time{}
	if err := links.Claim(t.Context(), another); err != nil {
		t.Fatal(err)
	}
	named := func() (n int) {
		for _, l := range ended {
			r, err := links.read(t.Context(), links.keyOf(l.Code), links.db.config.Consistency)
			if err != nil {
				t.Fatal(err)
			}
			if r.Owner == owner || r.Target != "" && r.Owner != another.Owner {
				n++
			}
		}
		return n
	}
	if n := named(); n != len(ended)-1 {
		t.Fatalf("%d rows name the owner before, want %d: this shows nothing", n, len(ended)-1)
	}
	if err := links.EraseOwner(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	if n := named(); n != 0 {
		t.Errorf("%d rows still name the owner", n)
	}
	if n := entries(t, links.db, owner, ended[0].Created); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	if l, err := links.Get(t.Context(), another.Code); err != nil || l.Owner != another.Owner {
		t.Errorf("what another has claimed since is %+v, %v", l, err)
	}
}
