package bots_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"designkits/cases/tickets/bots"

	"pgregory.net/rapid"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

var (
	chrome = header("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
		"Accept-Language", "de-DE,de;q=0.9", "Accept-Encoding", "gzip, deflate, br, zstd", "Sec-Fetch-Site", "same-origin",
		"Sec-Ch-Ua", `"Google Chrome";v="141", "Chromium";v="141"`, "Sec-Ch-Ua-Platform", `"Windows"`, "Sec-Ch-Ua-Mobile", "?0")
	firefox = header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
		"Accept-Language", "en-GB", "Accept-Encoding", "gzip, deflate, br, zstd", "Sec-Fetch-Site", "same-origin")
	safari = header("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Accept-Language", "en-US,en;q=0.9", "Accept-Encoding", "gzip, deflate, br", "Sec-Fetch-Site", "same-origin")
	cubot = header("User-Agent", "Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
		"Accept-Language", "en-US,en;q=0.9", "Accept-Encoding", "gzip, deflate, br", "Sec-Fetch-Site", "same-origin",
		"Sec-Ch-Ua", `"Google Chrome";v="141"`, "Sec-Ch-Ua-Platform", `"Android"`, "Sec-Ch-Ua-Mobile", "?1")
)

func changed(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	return h
}

func TestWhoIsSuspected(t *testing.T) {
	once := bots.Tries{Account: 1, Device: 1, Address: 1}
	minute := time.Minute
	for name, c := range map[string]struct {
		traits bots.Traits
		want   []string
	}{
		"chrome":               {bots.Traits{Header: chrome, Age: minute, Tries: once}, nil},
		"firefox":              {bots.Traits{Header: firefox, Age: minute, Tries: once}, nil},
		"safari":               {bots.Traits{Header: safari, Age: minute, Tries: once}, nil},
		"a phone with a name":  {bots.Traits{Header: cubot, Age: minute, Tries: once}, nil},
		"a campus":             {bots.Traits{Header: chrome, Age: minute, Tries: bots.Tries{Account: 1, Device: 4, Address: 400}}, []string{"address-of-many"}},
		"the hidden field":     {bots.Traits{Header: chrome, Age: minute, Tries: once, Honeypot: "x"}, []string{"honeypot"}},
		"too fast":             {bots.Traits{Header: chrome, Tries: once}, []string{"faster-than-people"}},
		"a script":             {bots.Traits{Header: header("User-Agent", "python-requests/2.32", "Accept-Encoding", "gzip"), Age: minute, Tries: once}, []string{"says-it-is-a-program", "no-language"}},
		"a browser without":    {bots.Traits{Header: changed(chrome, "Sec-Ch-Ua", `"HeadlessChrome";v="141"`), Age: minute, Tries: once}, []string{"hints-of-a-program"}},
		"firefox of chromium":  {bots.Traits{Header: changed(firefox, "Sec-Ch-Ua", `"Chromium";v="141"`), Age: minute, Tries: once}, []string{"hints-of-another-browser"}},
		"windows on linux":     {bots.Traits{Header: changed(chrome, "Sec-Ch-Ua-Platform", `"Linux"`), Age: minute, Tries: once}, []string{"hints-of-another-system"}},
		"a farm":               {bots.Traits{Header: chrome, Age: minute, Tries: bots.Tries{Account: 1, Device: 25, Address: 25}}, []string{"device-of-some", "device-of-many"}},
		"one that asks nobody": {bots.Traits{Age: minute, Header: header(), Tries: once}, []string{"no-agent", "no-language", "no-encoding"}},
		"an old trick":         {bots.Traits{Age: minute, Header: header("User-Agent", "Mozilla/5.0", "Accept-Language", "en", "Accept-Encoding", "br"), Tries: once}, []string{"no-fetch-metadata"}},
	} {
		points := 0
		for _, r := range bots.Rules {
			if slices.Contains(c.want, r.Name) {
				points += r.Points
			}
		}
		if got, by := bots.Suspect(c.traits, bots.Rules); got != min(points, bots.Most) || !slices.Equal(by, c.want) {
			t.Errorf("%s: %d by %v, want %d by %v", name, got, by, points, c.want)
		}
	}
}

// Trying more often, or faster, never makes anybody less suspicious, and no
// suspicion less work.
func TestMoreIsNeverCheaper(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tries := func(name string) bots.Tries {
			n := rapid.IntRange(0, 1000)
			return bots.Tries{Account: n.Draw(t, name+" account"), Device: n.Draw(t, name+" device"), Address: n.Draw(t, name+" address")}
		}
		h := rapid.SampledFrom([]http.Header{chrome, firefox, safari, header()}).Draw(t, "header")
		less := bots.Traits{Header: h, Tries: tries("less"), Age: time.Duration(rapid.IntRange(0, 3000).Draw(t, "age")) * time.Millisecond}
		plus := tries("plus")
		more := less
		more.Tries = bots.Tries{Account: less.Tries.Account + plus.Account, Device: less.Tries.Device + plus.Device, Address: less.Tries.Address + plus.Address}
		more.Age = less.Age / 2
		low, _ := bots.Suspect(less, bots.Rules)
		high, by := bots.Suspect(more, bots.Rules)
		if low > high || low < 0 || high > bots.Most || bots.Bits(low) > bots.Bits(high) {
			t.Fatalf("%+v: %d, %+v: %d by %v", less, low, more, high, by)
		}
	})
}

func TestRulesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range bots.Rules {
		if r.Name == "" || seen[r.Name] || r.Points <= 0 {
			t.Errorf("%+v", r)
		}
		seen[r.Name] = true
	}
}

func TestWorkGrowsWithSuspicion(t *testing.T) {
	for suspicion, want := range map[int]int{0: 0, 19: 0, 20: 14, 40: 16, 100: 22, 500: 22} {
		if got := bots.Bits(suspicion); got != want {
			t.Errorf("%d: %d bits, want %d", suspicion, got, want)
		}
	}
}
