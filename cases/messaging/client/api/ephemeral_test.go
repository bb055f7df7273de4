package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/api"
	"designkits/cases/messaging/presence"
	"designkits/shared/testenv"
)

// What passes is stored nowhere: that somebody types, and who is there, but for when
// each device was last seen, which Redis has and forgets.
func TestTypingAndPresenceAreNotStored(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person("ana"), s.person("bo")
	talk := ana.begin("bo")
	empty := s.stored()
	ana.say(talk, "hello")
	bo.shows(talk, "ana: hello")
	before := s.settled()
	for _, store := range []string{"cassandra", "kafka"} {
		if !slices.ContainsFunc(empty.added(before), func(p place) bool { return p.store == store }) {
			t.Errorf("a message has added nothing to %s: the comparison sees nothing", store)
		}
	}

	ana.Look(talk)
	of := func(v api.View) api.Member {
		i := slices.IndexFunc(v.Members, func(m api.Member) bool { return m.User == bo.Me().User })
		return v.Members[i]
	}
	testenv.Eventually(t, time.Minute, "ana sees that bo is there", func() bool { return of(ana.View(talk, 1)).Online })
	for _, on := range []bool{true, false, true} {
		testenv.Eventually(t, time.Minute, fmt.Sprint("ana sees whether bo types: ", on), func() bool {
			bo.Typing(talk, on) // who is catching up at that moment isn't told
			return of(ana.View(talk, 1)).Typing == on
		})
	}
	bo.stop()
	testenv.Eventually(t, time.Minute, "it is noted that bo has gone", func() bool { return s.sighted(bo.Me().Device) == presence.Grace })
	for _, p := range before.added(s.settled()) {
		t.Errorf("typing and going have left something in %s", p)
	}
	client := s.redis()
	defer client.Close()
	keys, err := client.Keys(t.Context(), s.Namespace+":presence:*").Result()
	s.must(err)
	for _, key := range keys {
		if left, err := client.TTL(t.Context(), key).Result(); err != nil || left <= 0 || left > messaging.InboxFor {
			t.Errorf("%s is kept for %s, %v", key, left, err)
		}
	}
	if len(keys) != 2 {
		t.Errorf("who was seen is in %q, want a key a person", keys)
	}
}

// stored is what stands in each place, and how often.
type stored map[place]map[string]int

// stored is everything but logs, what processes report of themselves every two seconds,
// and who was seen when.
func (s *site) stored() stored {
	all := stored{}
	for p, content := range s.everything() {
		if p.store == "log" || strings.HasPrefix(p.name, s.Namespace+":report:") || strings.HasPrefix(p.name, s.Namespace+":presence:") {
			continue
		}
		if all[p] == nil {
			all[p] = map[string]int{}
		}
		all[p][string(content)]++
	}
	return all
}

// added are the places where something stands that didn't.
func (s stored) added(now stored) (places []place) {
	for p, contents := range now {
		for content, n := range contents {
			if n > s[p][content] {
				places = append(places, p)
			}
		}
	}
	return places
}

// settled is what is stored once nothing more has come for a while: how far a message
// is follows it within a second.
func (s *site) settled() (now stored) {
	s.t.Helper()
	const quiet = 3 * time.Second
	now, since := s.stored(), time.Now()
	testenv.Eventually(s.t, time.Minute, "nothing more is stored", func() bool {
		next := s.stored()
		if !maps.EqualFunc(now, next, maps.Equal) {
			now, since = next, time.Now()
		}
		return time.Since(since) > quiet
	})
	return now
}

// sighted is for how long a device is taken to be there since it was last seen.
func (s *site) sighted(a messaging.Address) time.Duration {
	s.t.Helper()
	client := s.redis()
	defer client.Close()
	text, err := client.HGet(s.t.Context(), s.Namespace+":presence:"+string(a.User), fmt.Sprint(a.Device)).Result()
	s.must(err)
	var seen, until int64
	_, err = fmt.Sscan(text, &seen, &until)
	s.must(err)
	return time.Duration(until-seen) * time.Millisecond
}
