package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"designkits/cases/shortener"
	"designkits/shared/httpjson"
)

// A linkJSON is a link as its owner sees it.
type linkJSON struct {
	Code      string     `json:"code"`
	Short     string     `json:"short"`
	Target    string     `json:"target"`
	Created   time.Time  `json:"created"`
	Expires   *time.Time `json:"expires,omitempty"`
	Permanent bool       `json:"permanent,omitempty"`
}

func (s *Server) linkJSON(l shortener.Link) linkJSON {
	v := linkJSON{
		Code: string(l.Code), Short: s.shortOf(l.Code), Target: l.Target,
		Created: l.Created.UTC(), Permanent: l.Permanent,
	}
	if !l.Expires.IsZero() {
		expires := l.Expires.UTC()
		v.Expires = &expires
	}
	return v
}

// A draftJSON is a link as somebody asks for it.
type draftJSON struct {
	Target    string           `json:"target"`
	Alias     string           `json:"alias"`
	Expires   optional[string] `json:"expires"`
	TTL       optional[int64]  `json:"ttl"` // seconds
	Permanent bool             `json:"permanent"`
}

// draft turns what was asked for into the domain's form; times are relative to
// now.
func (d draftJSON) draft(now time.Time) (shortener.Draft, error) {
	draft := shortener.Draft{Target: d.Target, Alias: d.Alias, Permanent: d.Permanent}
	var err error
	switch {
	case d.Expires.value != nil && d.TTL.value != nil:
		return shortener.Draft{}, &shortener.Invalid{Field: "ttl", Rule: "either-or", Reason: "give expires or ttl, not both"}
	case d.Expires.value != nil:
		draft.Expires, err = parseTime("expires", *d.Expires.value)
	case d.TTL.value != nil:
		draft.Expires, err = expiryOf(*d.TTL.value, now)
	}
	return draft, err
}

func expiryOf(ttl int64, now time.Time) (time.Time, error) {
	if ttl <= 0 {
		return time.Time{}, &shortener.Invalid{Field: "ttl", Rule: "past", Reason: "ttl is in seconds from now, at least 1"}
	}
	if ttl > int64(shortener.MaxLifetime/time.Second) {
		return time.Time{}, &shortener.Invalid{Field: "ttl", Rule: "too-far", Reason: "ttl is more than ten years: leave it out for a link that stays"}
	}
	return now.Add(time.Duration(ttl) * time.Second), nil
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) error {
	key, err := s.identify(w, r)
	if err != nil {
		return err
	}
	draft, refused := s.readDraft(w, r)
	links := 1
	if refused != nil {
		links = 0 // only what could be made counts against the day's links
	}
	if err := s.charge(r.Context(), w, ownerBuckets(key, 1, links)...); err != nil {
		// Nothing was charged, though at least a request was made.
		_, errRate := s.Limiter.Take(r.Context(), ownerBuckets(key, 1, 0)...)
		return errors.Join(err, errRate)
	}
	if refused != nil {
		return refused
	}
	link, err := s.Links.Create(r.Context(), key.Owner, draft)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/links/"+string(link.Code))
	return httpjson.Write(w, http.StatusCreated, s.linkJSON(link))
}

// readDraft reads a draft that could be made.
func (s *Server) readDraft(w http.ResponseWriter, r *http.Request) (shortener.Checked, error) {
	var asked draftJSON
	if err := readJSON(w, r, &asked); err != nil {
		return shortener.Checked{}, err
	}
	draft, err := asked.draft(s.Clock())
	if err != nil {
		return shortener.Checked{}, err
	}
	return s.Links.Check(draft)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) error {
	link, err := s.owned(w, r)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, s.linkJSON(link))
}

// owned is the caller's link that the path names.
func (s *Server) owned(w http.ResponseWriter, r *http.Request) (shortener.Link, error) {
	key, err := s.authorize(w, r, 0)
	if err != nil {
		return shortener.Link{}, err
	}
	code, err := codeOf(r)
	if err != nil {
		return shortener.Link{}, err
	}
	return s.Links.Get(r.Context(), key.Owner, code)
}

func codeOf(r *http.Request) (shortener.Code, error) {
	code := shortener.Code(r.PathValue("code"))
	if !code.Possible() {
		return "", shortener.ErrNotFound
	}
	return code, nil
}

// A changeJSON is what is to be different. Expires null means never.
type changeJSON struct {
	Target    *string          `json:"target"`
	Expires   optional[string] `json:"expires"`
	TTL       optional[int64]  `json:"ttl"`
	Permanent *bool            `json:"permanent"`
}

func (c changeJSON) change(now time.Time) (shortener.Change, error) {
	change := shortener.Change{Target: c.Target, Permanent: c.Permanent}
	if c.Expires.set || c.TTL.set {
		draft, err := draftJSON{Expires: c.Expires, TTL: c.TTL}.draft(now)
		if err != nil {
			return shortener.Change{}, err
		}
		change.Expires = &draft.Expires
	}
	return change, nil
}

func (s *Server) update(w http.ResponseWriter, r *http.Request) error {
	key, err := s.authorize(w, r, 0)
	if err != nil {
		return err
	}
	code, err := codeOf(r)
	if err != nil {
		return err
	}
	var asked changeJSON
	if err := readJSON(w, r, &asked); err != nil {
		return err
	}
	change, err := asked.change(s.Clock())
	if err != nil {
		return err
	}
	link, err := s.Links.Update(r.Context(), key.Owner, code, change)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, s.linkJSON(link))
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) error {
	key, err := s.authorize(w, r, 0)
	if err != nil {
		return err
	}
	code, err := codeOf(r)
	if err != nil {
		return err
	}
	if err := s.Links.Delete(r.Context(), key.Owner, code); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// The sizes of a page of links.
const (
	defaultPage = 20
	maxPage     = 100
)

type pageJSON struct {
	Links []linkJSON `json:"links"`
	Next  string     `json:"next,omitempty"` // cursor of the next page; absent on the last
}

// list shows the caller's own links, newest first. owner is "me", or the
// caller's own name.
func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	key, err := s.authorize(w, r, 0)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if owner := query.Get("owner"); owner != "" && owner != "me" && owner != string(key.Owner) {
		return shortener.ErrNotOwner
	}
	limit := defaultPage
	if text := query.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxPage {
			return &shortener.Invalid{Field: "limit", Rule: "range", Reason: fmt.Sprintf("limit is a number from 1 to %d", maxPage)}
		}
	}
	links, next, err := s.Links.Store.ByOwner(r.Context(), key.Owner, query.Get("cursor"), limit)
	if err != nil {
		return err
	}
	page := pageJSON{Links: make([]linkJSON, len(links)), Next: next}
	for i, l := range links {
		page.Links[i] = s.linkJSON(l)
	}
	return httpjson.Write(w, http.StatusOK, page)
}
