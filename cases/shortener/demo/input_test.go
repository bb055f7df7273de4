package demo

import (
	"strings"
	"testing"

	"designkits/cases/shortener/target"
	"designkits/cases/shortener/testdata"
)

func TestTheAddressesAreFitToBeShortened(t *testing.T) {
	blocked, err := target.DefaultBlocklist()
	if err != nil {
		t.Fatal(err)
	}
	urls := testdata.URLs()
	if len(urls) < 2000 {
		t.Errorf("%d addresses, want at least 2,000", len(urls))
	}
	seen, hosts := map[string]bool{}, map[string]int{}
	for _, u := range urls {
		if seen[u] {
			t.Errorf("%s is there twice", u)
		}
		seen[u] = true
		stored, err := target.Check(u, target.Policy{Blocked: blocked})
		if err != nil || stored != u {
			t.Errorf("%s would be stored as %q, %v", u, stored, err)
		}
		rest, secure := strings.CutPrefix(u, "https://")
		if !secure {
			t.Errorf("%s is not https", u)
		}
		host, _, _ := strings.Cut(rest, "/")
		hosts[host]++
	}
	if len(hosts) < 10 {
		t.Errorf("the addresses are of %d sites only", len(hosts))
	}
}

func TestTheAgentsAreKnown(t *testing.T) {
	browsers, err := testdata.Browsers()
	if err != nil || len(browsers) < 50 {
		t.Errorf("%d browsers, %v", len(browsers), err)
	}
	bots, err := testdata.Bots()
	if err != nil || len(bots) < 50 {
		t.Errorf("%d bots, %v", len(bots), err)
	}
}
