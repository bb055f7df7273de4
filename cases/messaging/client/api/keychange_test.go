package api_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"designkits/cases/messaging/client/e2e"
	"designkits/shared/testenv"
)

// Bo's phone has lost its keys and makes new ones, under its old name; or somebody
// who has stolen its token does. Ana can't tell which, and is asked.
func TestAKeyThatHasChanged(t *testing.T) {
	s := newSite(t)
	ana, bo := s.person("ana"), s.person("bo")
	talk := ana.begin("bo")
	ana.say(talk, "one")
	bo.shows(talk, "ana: one")
	bo.say(talk, "two")
	ana.shows(talk, "ana: one", "bo: two")
	before, err := ana.SafetyNumber(t.Context(), bo.Me().User)
	if err != nil {
		t.Fatal(err)
	}

	other := s.reinstalled(bo)
	testenv.Eventually(t, time.Minute, "it has what was said", func() bool { return len(other.reads(talk)) == 2 })
	if all := strings.Join(other.reads(talk), "|"); strings.Contains(all, "one") || strings.Contains(all, "two") {
		t.Errorf("with other keys it reads %s", all)
	}
	other.say(talk, "it is me, with a new phone")
	other.say(talk, "are you there?")
	const warning = "bo: the sender's key has changed: compare the safety number, then accept it"
	ana.shows(talk, "ana: one", "bo: two", warning, warning)
	if number, err := ana.SafetyNumber(t.Context(), bo.Me().User); err != nil || number != before {
		t.Errorf("before it is accepted the number is %s, %v", number, err)
	}

	if err := ana.Accept(bo.Me().User); err != nil {
		t.Fatal(err)
	}
	ana.shows(talk, "ana: one", "bo: two", "bo: it is me, with a new phone", "bo: are you there?")
	number, err := ana.SafetyNumber(t.Context(), bo.Me().User)
	if err != nil || number == before {
		t.Errorf("the number is still %s, %v", number, err)
	}
	if theirs, err := other.SafetyNumber(t.Context(), ana.Me().User); err != nil || theirs != number {
		t.Errorf("the numbers are %s and %s, %v", number, theirs, err)
	}
	ana.say(talk, "welcome back")
	testenv.Eventually(t, time.Minute, "it is read", func() bool { return strings.HasSuffix(strings.Join(other.reads(talk), "|"), "ana: welcome back") })
}

// reinstalled is a phone that has its token and nothing else.
func (s *site) reinstalled(p *phone) *phone {
	s.t.Helper()
	p.stop()
	old, err := e2e.OpenFile(p.path)
	s.must(err)
	defer old.Close()
	text, err := old.Get("chat/me")
	s.must(err)
	var me map[string]any
	s.must(json.Unmarshal(text, &me))
	me["published"], me["connected"] = false, time.Time{}
	text, err = json.Marshal(me)
	s.must(err)

	path := filepath.Join(s.t.TempDir(), "reinstalled")
	store, err := e2e.OpenFile(path)
	s.must(err)
	a := p.Me().Device
	_, err = e2e.Create(store, e2e.Address{User: string(a.User), Device: uint32(a.Device)}, time.Now())
	s.must(err)
	s.must(store.Apply(map[string][]byte{"chat/me": text}))
	s.must(store.Close())
	return s.switchOn(path, nil)
}
