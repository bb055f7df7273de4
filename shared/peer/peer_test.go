package peer_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"designkits/shared/peer"
)

func TestNetworks(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.7":          "203.0.113.7",
		"::ffff:203.0.113.7":   "203.0.113.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::",
		"2001:db8:1:2:ffff::":  "2001:db8:1:2::",
		"fe80::1%eth0":         "fe80::",
	} {
		if got := peer.Network(netip.MustParseAddr(address)); got.String() != want {
			t.Errorf("%s is of %s, want %s", address, got, want)
		}
	}
	if got := peer.Network(netip.Addr{}); got.IsValid() {
		t.Errorf("no address is of %s", got)
	}
}

func TestOnlyTrustedProxiesAreBelieved(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for name, c := range map[string]struct {
		remote  string
		forward []string
		want    string
	}{
		"direct":                      {"203.0.113.7:1000", nil, "203.0.113.7"},
		"direct, with a claim":        {"203.0.113.7:1000", []string{"198.51.100.1"}, "203.0.113.7"},
		"through a proxy":             {"127.0.0.1:1000", []string{"203.0.113.7"}, "203.0.113.7"},
		"through two":                 {"127.0.0.1:1000", []string{"203.0.113.7, 10.1.1.1"}, "203.0.113.7"},
		"with a claim before":         {"127.0.0.1:1000", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		"with nonsense before":        {"127.0.0.1:1000", []string{"nonsense, 203.0.113.7"}, "203.0.113.7"},
		"with nonsense by the proxy":  {"127.0.0.1:1000", []string{"203.0.113.7, nonsense"}, "127.0.0.1"},
		"a proxy that says nothing":   {"127.0.0.1:1000", nil, "127.0.0.1"},
		"an IPv4 address in IPv6":     {"[::ffff:203.0.113.7]:1000", nil, "203.0.113.7"},
		"a test without a connection": {"", nil, "invalid IP"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.forward
		if got := peer.Address(r, trusted).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
