package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"designkits/shared/casetest"
	"designkits/shared/rig"
	"designkits/shared/testenv"
)

// A conversation as it is typed: each line is a command of its own, which connects,
// does its work, and ends.
func TestAConversationOnTheCommandLine(t *testing.T) {
	site := casetest.Start(t, rig.Options{Only: []string{"gateway", "chat", "keys", "media"}, Env: map[string]string{"WASM_E2E": "", "ACCOUNTS_AN_HOUR": "1000", "PERSON_CONNECTS": "1000", "CASSANDRA_TIMEOUT": "10s"}})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	folder := t.TempDir()
	try := func(line string) (string, error) {
		var out bytes.Buffer
		err := run(t.Context(), append([]string{"-state", folder, "-gateway", site.Addr("gateway-1")}, strings.Fields(line)...), &out)
		return strings.TrimSpace(out.String()), err
	}
	chat := func(line string) string {
		t.Helper()
		out, err := try(line)
		if err != nil {
			t.Fatalf("chat %s: %v", line, err)
		}
		return out
	}
	chat("-as ana signup")
	chat("-as bo signup")
	chat("-as ana send bo hello there")
	reads := func(line, want string) { // what is sent is on its way for a moment
		t.Helper()
		testenv.Eventually(t, 30*time.Second, line+" shows "+want, func() bool { return strings.Contains(chat(line), want) })
	}
	reads("-as bo read ana", "ana: hello there")
	chat("-as laptop link " + chat("-as bo code"))
	if out := chat("-as bo devices"); !strings.Contains(out, "2  laptop") {
		t.Errorf("bo's devices: %q", out)
	}
	chat("-as ana group walks bo")
	reads("-as bo read", "== walks")
	chat("-as bo send walks at eight?")
	reads("-as ana read walks", "bo: at eight?")
	one, other := chat("-as ana safety bo"), chat("-as bo safety ana")
	if one != other || len(strings.Fields(one)) != 12 {
		t.Errorf("safety numbers %q and %q", one, other)
	}
	chat("-as bo signout 2")
	for line, want := range map[string]string{
		"-as bo signup":        "an account already",
		"-as eve read":         "no account yet",
		"-as eve link 1234":    "nine letters",
		"-as ana send zoe hi":  "There is none",
		"-as ana send ana hi":  "that is you",
		"-as ana signout":      "say what to do",
		"-as ana fly":          "say what to do",
		"-as laptop read":      "signed out",
		"-as ana signout nine": "no device's number",
	} {
		if out, err := try(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("chat %s: %q, %v; want %q", line, out, err, want)
		}
	}
}
