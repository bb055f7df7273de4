// Package bots makes it dear to be many. A program that asks for tickets looks
// like a person in most ways, and one rule alone either misses it or hits
// people. So each trait of a request adds to a suspicion, and a suspicion costs
// work: a browser that is a little suspicious computes for a part of a second
// before it gets its place in the waiting room, and a farm of a thousand
// accounts on one machine computes for a thousand of those.
//
// Nobody is locked out for how they look, only for how often they ask (Limits):
// a person with an odd browser waits some seconds and gets in.
package bots

import (
	"net/http"
	"strings"
	"time"
)

// Traits are what is known of a request to join.
type Traits struct {
	Header   http.Header
	Honeypot string        // what stood in the field that people don't see
	Age      time.Duration // of the session
	Tries    Tries

	agent, hints string // who it says it is, in small letters
}

// Tries are how often somebody has tried within a Window, this time included.
type Tries struct {
	Account int // this account, for this event
	Device  int // all accounts of devices that look like this, at this address
	Address int // all accounts at this address
}

// A Rule is one trait and what it adds to the suspicion.
type Rule struct {
	Name   string // stable: it is in logs and metrics
	Points int
	Meets  func(Traits) bool
}

// Most is the highest suspicion; all points beyond it are nothing more.
const Most = 100

// Rules are what a request is suspected for.
var Rules = []Rule{
	{"honeypot", 100, func(t Traits) bool { return t.Honeypot != "" }},
	{"no-agent", 60, func(t Traits) bool { return t.agent == "" }},
	{"says-it-is-a-program", 60, func(t Traits) bool { return containsAny(t.agent, programs) }},
	{"no-language", 20, without("Accept-Language")},
	{"no-encoding", 20, without("Accept-Encoding")},
	// A page's own request says where it comes from; browsers do since 2023.
	{"no-fetch-metadata", 15, func(t Traits) bool { return t.is("mozilla/") && t.Header.Get("Sec-Fetch-Site") == "" }},
	{"hints-of-another-browser", 40, func(t Traits) bool { return t.hints != "" && t.is("firefox/") }},
	{"hints-of-a-program", 60, func(t Traits) bool { return containsAny(t.hints, programs) }},
	{"hints-of-another-system", 30, otherSystem},
	// Sessions count in seconds, so this is within the second that it was made in.
	{"faster-than-people", 40, func(t Traits) bool { return t.Age < time.Second }},
	{"account-again", 15, func(t Traits) bool { return t.Tries.Account > 3 }},
	{"account-again-and-again", 30, func(t Traits) bool { return t.Tries.Account > 10 }},
	{"device-of-some", 20, func(t Traits) bool { return t.Tries.Device > 4 }},
	{"device-of-many", 40, func(t Traits) bool { return t.Tries.Device > 20 }},
	// Behind one address may be a campus, so this alone is never much.
	{"address-of-many", 15, func(t Traits) bool { return t.Tries.Address > 50 }},
	{"address-of-very-many", 25, func(t Traits) bool { return t.Tries.Address > 500 }},
}

// programs are words by which programs name themselves.
var programs = []string{
	"bot/", "crawl", "spider", "curl/", "wget/", "python", "go-http-client", "okhttp", "java/", "node-fetch", "axios",
	"headless", "phantomjs", "selenium", "puppeteer", "playwright", "scrapy", "httpclient",
}

// Suspect returns how suspicious the request is, from 0 to Most, and by which
// rules.
func Suspect(t Traits, rules []Rule) (suspicion int, by []string) {
	t.agent, t.hints = strings.ToLower(t.Header.Get("User-Agent")), strings.ToLower(t.Header.Get("Sec-Ch-Ua"))
	for _, r := range rules {
		if r.Meets(t) {
			suspicion += r.Points
			by = append(by, r.Name)
		}
	}
	return min(suspicion, Most), by
}

func without(name string) func(Traits) bool {
	return func(t Traits) bool { return t.Header.Get(name) == "" }
}

// otherSystem is met where the client hints contradict the user agent.
func otherSystem(t Traits) bool {
	mark, known := systems[strings.ToLower(strings.Trim(t.Header.Get("Sec-Ch-Ua-Platform"), `"`))]
	return known && !t.is(mark)
}

// systems are the words in user agents by the names of systems in client hints.
var systems = map[string]string{
	"windows": "windows", "macos": "mac os", "linux": "linux", "android": "android", "chrome os": "cros", "ios": "like mac",
}

func (t Traits) is(agent string) bool { return strings.Contains(t.agent, agent) }

func containsAny(s string, words []string) bool {
	for _, word := range words {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}
