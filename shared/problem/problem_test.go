package problem_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"designkits/shared/problem"
)

func TestWriteAgreesWithItself(t *testing.T) {
	rec := httptest.NewRecorder()
	problem.Write(rec, problem.Problem{
		Type:   "/problems/too-many",
		Title:  "Too many requests",
		Status: http.StatusTooManyRequests,
		Detail: "a \"quoted\"\nline", RetryAfter: 1200 * time.Millisecond,
	})
	if rec.Code != http.StatusTooManyRequests {
		t.Errorf("status %d", rec.Code)
	}
	if got := rec.Header().Get("Content-Type"); got != problem.ContentType {
		t.Errorf("content type %q", got)
	}
	if got := rec.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q, want the next full second", got)
	}
	var p problem.Problem
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		t.Fatalf("body is no JSON: %v", err)
	}
	if p.Status != rec.Code || p.Detail != "a \"quoted\"\nline" || p.Type != "/problems/too-many" {
		t.Errorf("body %+v", p)
	}
}

func TestAProblemMayHaveMembersOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		extra any
		want  string
	}{
		{nil, `{"type":"/problems/x","title":"X","status":400}`},
		{struct{}{}, `{"type":"/problems/x","title":"X","status":400}`},
		{map[string]int{"left": 3}, `{"type":"/problems/x","title":"X","status":400,"left":3}`},
	} {
		rec := httptest.NewRecorder()
		problem.Write(rec, problem.Problem{Type: "/problems/x", Title: "X", Status: 400, Extra: c.extra})
		if got := strings.TrimSpace(rec.Body.String()); got != c.want {
			t.Errorf("%v: %s, want %s", c.extra, got, c.want)
		}
	}
}
