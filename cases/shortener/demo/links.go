package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"designkits/cases/shortener/client"
	"designkits/cases/shortener/testdata"
)

func (j *journey) getKey(ctx context.Context) (string, error) {
	owner := ""
	// The case may be starting still: its page answers before all of it does.
	err := until(ctx, 20*time.Second, 200*time.Millisecond, func(ctx context.Context) (err error) {
		owner, err = j.client.NewKey(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	if j.client.Key == "" || owner == "" {
		return "", errors.New("POST /api/keys answered without a key or an owner")
	}
	return "owner " + owner, nil
}

// bulkLines is how many links go into one request: no more than DynamoDB Local
// makes on a busy machine within the client's ten seconds.
const bulkLines = 200

func (j *journey) shortenInBulk(ctx context.Context) (string, error) {
	targets := testdata.URLs()
	if n := j.cfg.Links; n > 0 {
		targets = targets[:min(n, len(targets))]
	}
	began := time.Now()
	for at := 0; at < len(targets); at += bulkLines {
		made, err := j.client.Bulk(ctx, targets[at:min(at+bulkLines, len(targets))])
		if err != nil {
			return "", fmt.Errorf("lines from %d: %w", at+1, err)
		}
		j.links = append(j.links, made...)
	}
	took := time.Since(began)

	codes := map[string]bool{}
	for i, l := range j.links {
		if l.Target != targets[i] {
			return "", fmt.Errorf("line %d was %s and came back as %s", i+1, targets[i], l.Target)
		}
		if codes[l.Code] {
			return "", fmt.Errorf("code %s was given twice", l.Code)
		}
		codes[l.Code] = true
	}
	return fmt.Sprintf("%d links, all codes different, %.0f links/s", len(j.links), float64(len(j.links))/took.Seconds()), nil
}

func (j *journey) followAndPreview(ctx context.Context) (string, error) {
	l := j.links[len(j.links)-1]
	began := time.Now()
	status, location, err := j.client.Follow(ctx, "/"+l.Code, passerBy())
	took := time.Since(began)
	if err != nil {
		return "", err
	}
	if status != http.StatusFound || location != l.Target {
		return "", fmt.Errorf("GET /%s answered %d to %q, not 302 to %q", l.Code, status, location, l.Target)
	}
	for path, want := range map[string]int{
		"/" + l.Code + "+":                 http.StatusOK, // the preview
		"/api/links/" + l.Code + "/qr":     http.StatusOK,
		"/" + strings.Repeat("0", 6) + "z": http.StatusNotFound, // never leased in a demo's life
		"/no-such-alias":                   http.StatusNotFound,
	} {
		status, _, err := j.client.Follow(ctx, path, passerBy())
		if err != nil {
			return "", err
		}
		if status != want {
			return "", fmt.Errorf("GET %s answered %d, not %d", path, status, want)
		}
	}
	return fmt.Sprintf("302 in %.1f ms; preview, QR code and 404 as they should be", float64(took.Microseconds())/1000), nil
}

func (j *journey) raceForAlias(ctx context.Context) (string, error) {
	alias := "demo-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	const claims = 8
	answers := make([]error, claims)
	var wg sync.WaitGroup
	for i := range claims {
		wg.Go(func() {
			answers[i] = j.client.Do(ctx, http.MethodPost, "/api/links", map[string]string{"target": j.links[0].Target, "alias": alias}, nil)
		})
	}
	wg.Wait()
	won, lost := 0, 0
	for _, err := range answers {
		var no *client.Refusal
		switch {
		case err == nil:
			won++
		case errors.As(err, &no) && no.Status == http.StatusConflict:
			lost++
		default:
			return "", fmt.Errorf("claim %q: %w", alias, err)
		}
	}
	if won != 1 {
		return "", fmt.Errorf("%d of %d got the alias %q, not one", won, claims, alias)
	}
	return fmt.Sprintf("1 got it, %d were told that it is taken (409)", lost), nil
}

func (j *journey) refuseBadInput(ctx context.Context) (string, error) {
	good := j.links[0].Target
	own, err := url.Parse(j.links[0].Short)
	if err != nil {
		return "", fmt.Errorf("the short link %q is no address: %w", j.links[0].Short, err)
	}
	bad := []struct {
		body  map[string]any
		field string
	}{
		{map[string]any{"target": "not an address"}, "target"},
		{map[string]any{"target": "javascript:alert(1)"}, "target"},
		{map[string]any{"target": "https://user:secret@example.org/"}, "target"},
		{map[string]any{"target": "http://127.0.0.1:9042/"}, "target"},
		{map[string]any{"target": "http://0x7f.1/"}, "target"},
		{map[string]any{"target": "http://169.254.169.254/latest/"}, "target"},
		{map[string]any{"target": own.Scheme + "://" + own.Host + "/again"}, "target"},
		{map[string]any{"target": "https://example.org/" + strings.Repeat("x", 9000)}, "target"},
		{map[string]any{"target": good, "alias": "api"}, "alias"},
		{map[string]any{"target": good, "alias": "Ädress"}, "alias"},
		{map[string]any{"target": good, "alias": strings.Repeat("x", 80)}, "alias"},
		{map[string]any{"target": good, "expires": "2020-01-01T00:00:00Z"}, "expires"},
	}
	before, err := j.newest(ctx)
	if err != nil {
		return "", err
	}
	for _, b := range bad {
		err := j.client.Do(ctx, http.MethodPost, "/api/links", b.body, nil)
		var no *client.Refusal
		if !errors.As(err, &no) || no.Status/100 != 4 || no.Field != b.field || no.Detail == "" {
			return "", fmt.Errorf("%.80v: want a refusal with a sentence at %s, got %v", b.body, b.field, err)
		}
	}
	after, err := j.newest(ctx)
	if err != nil {
		return "", err
	}
	if before != after {
		return "", fmt.Errorf("a refused link was stored: %s", after)
	}
	return fmt.Sprintf("%d of %d refused with a sentence at the field", len(bad), len(bad)), nil
}

func (j *journey) newest(ctx context.Context) (string, error) {
	var page struct {
		Links []client.Link `json:"links"`
	}
	if err := j.client.Do(ctx, http.MethodGet, "/api/links?limit=1", nil, &page); err != nil {
		return "", err
	}
	if len(page.Links) == 0 {
		return "", errors.New("the list of links is empty")
	}
	return page.Links[0].Code, nil
}

func (j *journey) make(ctx context.Context, body map[string]any) (client.Link, error) {
	var l client.Link
	err := j.client.Do(ctx, http.MethodPost, "/api/links", body, &l)
	return l, err
}

func (j *journey) letExpire(ctx context.Context) (string, error) {
	expires := time.Now().Add(2 * time.Second)
	l, err := j.make(ctx, map[string]any{"target": j.links[1].Target, "expires": expires.UTC().Format(time.RFC3339Nano)})
	if no := (*client.Refusal)(nil); errors.As(err, &no) && no.Field == "expires" && !time.Now().Before(expires) {
		return "", fmt.Errorf("%w: the link's time was over when it was to be made: %w", errLate, err)
	}
	if err != nil {
		return "", err
	}
	status, _, err := j.client.Follow(ctx, "/"+l.Code, passerBy())
	if err != nil {
		return "", err
	}
	if status != http.StatusFound && time.Now().Before(expires) {
		return "", fmt.Errorf("GET /%s answered %d before its time", l.Code, status)
	}
	err = until(ctx, 10*time.Second, 50*time.Millisecond, func(ctx context.Context) error {
		status, _, err := j.client.Follow(ctx, "/"+l.Code, passerBy())
		if err == nil && status != http.StatusGone {
			err = fmt.Errorf("GET /%s answers %d, not 410", l.Code, status)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	late := time.Since(expires)
	if late > time.Second {
		return "", fmt.Errorf("%w: the link answered 410 only %s after its time", errLate, late.Round(time.Millisecond))
	}
	return fmt.Sprintf("302, then 410 at most %d ms after its time", max(late.Milliseconds(), 0)), nil
}

// agree is how many answers in a row must be new ones: the edge deals requests
// out in turn, so every replica is among them.
const agree = 24

// everywhere makes a link and follows it until every replica holds it.
func (j *journey) everywhere(ctx context.Context, target string) (client.Link, error) {
	l, err := j.make(ctx, map[string]any{"target": target})
	if err != nil {
		return l, err
	}
	for range agree {
		if _, _, err := j.client.Follow(ctx, "/"+l.Code, passerBy()); err != nil {
			return l, err
		}
	}
	return l, nil
}

// lastOld follows a link that was changed just now until enough answers in a row
// are new ones, and says when the last old one came: not later than after a second.
func (j *journey) lastOld(ctx context.Context, l client.Link, isNew func(status int, location string) bool) (figure string, err error) {
	changed := time.Now()
	last := time.Duration(0)
	for fresh := 0; fresh < agree; {
		status, location, err := j.client.Follow(ctx, "/"+l.Code, passerBy())
		if err != nil {
			return "", err
		}
		if isNew(status, location) {
			fresh++
			continue
		}
		fresh, last = 0, time.Since(changed)
		if last > time.Second {
			return "", fmt.Errorf("%w: GET /%s answers %d to %q still, %s after the change", errLate, l.Code, status, location, last.Round(time.Millisecond))
		}
	}
	if last == 0 {
		return fmt.Sprintf("%d answers in a row, none of them an old one", agree), nil
	}
	return fmt.Sprintf("the last old answer %d ms after the change, then %d new ones in a row", last.Milliseconds(), agree), nil
}

func (j *journey) changeTarget(ctx context.Context) (string, error) {
	l, err := j.everywhere(ctx, j.links[2].Target)
	if err != nil {
		return "", err
	}
	target := j.links[3].Target
	if err := j.client.Do(ctx, http.MethodPatch, "/api/links/"+l.Code, map[string]string{"target": target}, nil); err != nil {
		return "", err
	}
	return j.lastOld(ctx, l, func(_ int, location string) bool { return location == target })
}

func (j *journey) deleteLink(ctx context.Context) (string, error) {
	l, err := j.everywhere(ctx, j.links[4].Target)
	if err != nil {
		return "", err
	}
	if err := j.client.Do(ctx, http.MethodDelete, "/api/links/"+l.Code, nil, nil); err != nil {
		return "", err
	}
	return j.lastOld(ctx, l, func(status int, _ string) bool { return status == http.StatusNotFound })
}
