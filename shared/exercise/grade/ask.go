package grade

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An Answer is what came back over HTTP.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

func (a Answer) String() string { return fmt.Sprintf("%d %.300s", a.Status, strings.TrimSpace(a.Body)) }

// Into decodes the body and reports whether the answer had that status and could be.
func (a Answer) Into(status int, v any) bool {
	return a.Status == status && json.Unmarshal([]byte(a.Body), v) == nil
}

// Ask sends a request. That nobody answers fails the check, which goes on.
func Ask(t testing.TB, client *http.Client, req *http.Request) Answer {
	t.Helper()
	res, err := client.Do(req)
	if err != nil {
		t.Errorf("%s %s: nobody answers: %v", req.Method, req.URL.RequestURI(), err)
		return Answer{}
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("%s %s: the answer breaks off: %v", req.Method, req.URL.RequestURI(), err)
	}
	return Answer{res.StatusCode, res.Header, string(content)}
}

// Again asks until the answer isn't 503, four times at most: on a busy machine a store
// may not answer in time, whoever has written the code. What asking twice would do twice
// is not for it.
func Again(ask func() Answer) (a Answer) {
	for range 4 {
		if a = ask(); a.Status != http.StatusServiceUnavailable {
			break
		}
		<-time.After(250 * time.Millisecond)
	}
	return a
}

// Soon waits, for so long at most, until it holds, and reports whether it does.
func Soon(limit time.Duration, holds func() bool) bool {
	began := time.Now()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		looked := time.Now() // who was held up looks once more before giving up
		if holds() {
			return true
		}
		if looked.Sub(began) > limit {
			return false
		}
		<-again.C
	}
}
