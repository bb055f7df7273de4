package api_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/client/api"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/wire"
	"designkits/shared/testenv"
)

// What the people of the test say, and nothing else in the world does.
var secrets = map[string]string{
	"a text":       "the key is under the third flowerpot",
	"an edit":      "no, under the fourth flowerpot on the left",
	"a group text": "we meet behind the observatory",
	"a caption":    "this is the observatory by night",
	"a file":       "contents of a file about the observatory's cellar",
	"a thumbnail":  "a thumbnail of the observatory's cellar",
	"a file name":  "observatory-cellar-plan.txt",
}

// control is sent as it is, by a device that encrypts nothing.
const control = "whoever reads this sees that the search works"

// The server stores and carries only ciphertext: after a conversation nothing of what
// was said stands in Cassandra, Kafka, Redis, the S3 store or any log. What is sent
// unencrypted is found where messages go, and what is planted is found in the others,
// so that finding nothing means something.
func TestTheServerHoldsNoPlaintext(t *testing.T) {
	const secret = "a secret of the tests, of 32 bytes"
	s := newSite(t, map[string]string{"TOKEN_SECRET": secret})
	ana, bo := s.person("ana"), s.person("bo")
	talk := ana.begin("bo")
	first := ana.say(talk, secrets["a text"])
	bo.shows(talk, "ana: "+secrets["a text"])
	if err := ana.Edit(talk, first, secrets["an edit"], nil); err != nil {
		t.Fatal(err)
	}
	group, err := ana.BeginGroup(t.Context(), messaging.Group, "walks", []string{"bo"})
	if err != nil {
		t.Fatal(err)
	}
	ana.say(group, secrets["a group text"])
	if _, err := ana.Attach(t.Context(), group, api.Attachment{
		Data: []byte(secrets["a file"]), Name: secrets["a file name"], Type: "text/plain", Thumbnail: []byte(secrets["a thumbnail"]),
	}, secrets["a caption"], ""); err != nil {
		t.Fatal(err)
	}
	bo.shows(group, "ana: "+secrets["a group text"], "ana: "+secrets["a caption"]+"["+secrets["a file name"]+"]")
	bo.shows(talk, "ana: "+secrets["an edit"]+" (edited)")
	ana.stop()
	s.sendUnencrypted(ana.Me().Device, talk, secret)
	testenv.Eventually(t, time.Minute, "bo has got what can't be decrypted", func() bool { return len(bo.reads(talk)) == 2 })

	planted := s.plant()
	// What must be looked at besides what is planted: tables and topics, routes and
	// limits, the attachment's blob.
	least := map[string]int{"cassandra": 20, "kafka": 5, "redis": 3, "s3": 1, "log": 5}
	for place := range planted {
		least[place.store]++
	}
	sent := map[string]bool{} // stores in which the control stands
	places := map[string]int{}
	for place, content := range s.everything() {
		places[place.store]++
		for what, text := range secrets {
			if contains(content, text) {
				t.Errorf("%s holds %s in the clear", place, what)
			}
		}
		sent[place.store] = sent[place.store] || contains(content, control)
		if text, ok := planted[place]; ok && contains(content, text) {
			delete(planted, place)
		}
		if place.store == "log" && !contains(content, `"msg":"serving"`) {
			t.Errorf("%s doesn't say that the process serves: it isn't what the process has written", place)
		}
	}
	t.Logf("looked at %v", places)
	for _, store := range []string{"cassandra", "kafka"} {
		if !sent[store] {
			t.Errorf("what was sent unencrypted isn't found in %s: the search sees nothing", store)
		}
	}
	for place := range planted {
		t.Errorf("what was planted isn't found in %s: the search doesn't see it", place)
	}
	for store, least := range least {
		if places[store] < least {
			t.Errorf("%d things were looked at in %s: there must be more", places[store], store)
		}
	}
}

// sendUnencrypted has a device send a message as no client of ours does.
func (s *site) sendUnencrypted(by messaging.Address, to messaging.ConversationID, secret string) {
	s.t.Helper()
	token, _, err := identity.Tokens{Secret: []byte(secret), Now: time.Now}.Sign(by)
	if err != nil {
		s.t.Fatal(err)
	}
	d := device.New(device.Config{Address: by, Token: token, Gateways: func() []string { return []string{s.Addr("gateway-2")} }, Shown: func(messaging.Message) error { return nil }})
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = d.Run(ctx) })
	defer running.Wait()
	defer cancel()
	m := wire.Send{Conversation: to, ID: "sent-unencrypted", Kind: messaging.Posted, Body: messaging.Body{Shared: []byte(control)}}
	if _, err := d.Send(ctx, m); err != nil {
		s.t.Fatal(err)
	}
}

// contains looks for a text as it is, in hexadecimal, and in base 64 wherever it
// begins in there.
func contains(content []byte, text string) bool {
	if bytes.Contains(content, []byte(text)) || bytes.Contains(bytes.ToLower(content), []byte(hex.EncodeToString([]byte(text)))) {
		return true
	}
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), text...))
		inner := encoded[4 : len(encoded)-4] // the first and the last digits depend on what stands beside
		if bytes.Contains(content, []byte(inner)) {
			return true
		}
	}
	return false
}

func TestTheSearchFindsATextHoweverItIsWritten(t *testing.T) {
	for shift := range 3 {
		surrounded := append(append(make([]byte, shift), secrets["a text"]...), "and more"...)
		for name, content := range map[string]string{
			"as it is":   string(surrounded),
			"in hex":     fmt.Sprintf("0x%X", surrounded),
			"in base 64": base64.StdEncoding.EncodeToString(surrounded),
		} {
			if !contains([]byte(content), secrets["a text"]) {
				t.Errorf("%s, at %d: it isn't found", name, shift)
			}
		}
	}
	if contains([]byte("nothing of that"), secrets["a text"]) {
		t.Error("it is found where it isn't")
	}
}
