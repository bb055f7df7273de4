// Package clicks is what becomes of a redirect that was followed: a click,
// classified and made anonymous, recorded without the visitor waiting, counted
// by a stream job into increments, and added up into the counts of a link.
//
// What it needs of the outside: ClickLog, SaltStore, StatsStore.
package clicks

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"designkits/cases/shortener"
)

// A Click is one redirect that was served, as it goes into the click log. It
// has no address and no agent string: those are reduced to classes and to a
// salted hash before it is made (see classify.go, visitor.go).
type Click struct {
	// Schema is the record's version, 1.
	Schema int `json:"schema"`
	// ID makes the click countable once however often it is replayed. UUIDv7.
	ID string `json:"id"`
	// Time of the redirect, UTC, to the millisecond: the event time.
	Time time.Time      `json:"time"`
	Code shortener.Code `json:"code"`
	// Referrer is the host of the Referer header, or "" for none.
	Referrer string `json:"referrer"`
	// Country is ISO 3166 alpha-2 as the edge says it, or "??".
	Country string `json:"country"`
	// Device is one of desktop, mobile, tablet, tv, bot, other.
	Device string `json:"device"`
	// Browser is a family in lower case ("chrome"), or "other".
	Browser string `json:"browser"`
	Bot     bool   `json:"bot"`
	// Visitor tells two visitors of one day apart and cannot be traced back
	// once the day's salt is gone.
	Visitor string `json:"visitor"`
}

// AppendJSON appends the record as encoding/json writes it, in a fraction of its
// time: there is one for each redirect.
func (c Click) AppendJSON(b []byte) []byte {
	b = append(b, `{"schema":`...)
	b = strconv.AppendInt(b, int64(c.Schema), 10)
	b = append(b, `,"id":`...)
	b = appendString(b, c.ID)
	b = append(b, `,"time":"`...)
	b = c.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","code":`...)
	b = appendString(b, string(c.Code))
	b = append(b, `,"referrer":`...)
	b = appendString(b, c.Referrer)
	b = append(b, `,"country":`...)
	b = appendString(b, c.Country)
	b = append(b, `,"device":`...)
	b = appendString(b, c.Device)
	b = append(b, `,"browser":`...)
	b = appendString(b, c.Browser)
	b = append(b, `,"bot":`...)
	b = strconv.AppendBool(b, c.Bot)
	b = append(b, `,"visitor":`...)
	b = appendString(b, c.Visitor)
	return append(b, '}')
}

// appendString appends a JSON string. What would have to be escaped is rare.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			text, _ := json.Marshal(s) // a string always can be
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// A Visit is one redirect that was served, as its request showed it: what a
// Click is made of. It never leaves the process.
type Visit struct {
	Code     shortener.Code
	Time     time.Time
	Referrer string // the Referer header
	Country  string // the edge's country header
	Agent    string // the User-Agent header
	Address  string // the client's address
}

// A ClickLog is the durable, ordered log that clicks are counted from.
type ClickLog interface {
	// Append writes the clicks in order and returns once all are acknowledged.
	// On an error some may be written all the same: appending them again is
	// safe, since each is counted once by its ID.
	Append(ctx context.Context, clicks []Click) error
}

// Limits of what is kept of a request's headers.
const (
	maxAgent = 512
	maxHost  = 253 // a DNS name's
)

// ReferrerHost returns the host of a Referer header in lower case, or "" where
// there is none that could be one.
func ReferrerHost(referer string) string {
	if referer == "" || len(referer) > maxURL {
		return ""
	}
	u, err := url.Parse(referer)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "android-app") {
		return ""
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if len(host) > maxHost || !utf8.ValidString(host) {
		return ""
	}
	return host
}

// maxURL is more than a browser sends.
const maxURL = 8 << 10

// UnknownCountry stands for a country that the edge doesn't know.
const UnknownCountry = "??"

// CountryCode returns the two letters of the edge's country header in upper
// case, or UnknownCountry.
func CountryCode(header string) string {
	if len(header) != 2 {
		return UnknownCountry
	}
	code := []byte(header)
	for i, c := range code {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c < 'A' || c > 'Z' {
			return UnknownCountry
		}
		code[i] = c
	}
	if s := string(code); s != "XX" { // what edges send for "unknown"
		return s
	}
	return UnknownCountry
}

// click makes the record of a visit.
func (r *Recorder) click(v Visit) Click {
	text := v.Agent
	if len(text) > maxAgent {
		text = text[:maxAgent]
	}
	agent := r.agents.of(text)
	return Click{
		Schema:   1,
		ID:       uuid.Must(uuid.NewV7FromReader(r.random)).String(), // fails only without randomness, and that is never
		Time:     v.Time.UTC().Truncate(time.Millisecond),
		Code:     v.Code,
		Referrer: r.hosts.of(v.Referrer),
		Country:  CountryCode(v.Country),
		Device:   string(agent.Device),
		Browser:  agent.Browser,
		Bot:      agent.Bot,
		Visitor:  r.visitors.Hash(v.Time, v.Address, text),
	}
}
