package api_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing/iotest"
)

// breaking is a network that goes away half way through a part, the first time that it
// is put, and stays away until every gateway was asked in vain what is missing.
type breaking struct {
	part string

	mu   sync.Mutex
	away map[string]bool // gateways that were asked in vain
	puts map[string]int  // of each part
}

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if part := r.URL.Query().Get("partNumber"); b.breaks(part) {
		r = r.Clone(r.Context())
		r.GetBody = nil // else the transport would begin anew
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r.Body, r.ContentLength/2), iotest.ErrReader(errors.New("the network is gone"))), r.Body}
	} else if strings.HasSuffix(r.URL.Path, "/parts") && b.leaves(r.URL.Host) {
		return nil, errors.New("the network is still gone")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// breaks counts a part, and reports whether it is the one that doesn't arrive.
func (b *breaking) breaks(part string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if part != "" {
		b.puts[part]++
	}
	return part == b.part && b.puts[part] == 1
}

func (b *breaking) leaves(gateway string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.away[gateway]
	b.away[gateway] = true
	return !before
}
