package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/gatewayapi"
	"designkits/cases/messaging/operator"
	"designkits/cases/messaging/wire"
	"designkits/shared/openapitest"
	"designkits/shared/testenv"
)

// ask asks a gateway what operators ask, and holds the answer against the OpenAPI file.
func (s *site) ask(gateway, method, path, token, body string, into any) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.Addr(gateway)+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	openapitest.Of(gatewayapi.OperatorOpenAPI).CheckAnswer(s.t, req, resp)
	if err := json.Unmarshal(text, into); err != nil {
		s.t.Fatalf("%s %s: %s: %v", method, path, text, err)
	}
	return resp.StatusCode
}

func TestAnOperatorSeesGatewaysRatesOwnersAndLag(t *testing.T) {
	s := newSiteWith(t, nil)
	ana, bo := s.person(1)[0], s.person(1)[0]
	phone, _ := s.connect(ana, s.gateways), s.live("gateway-2", bo)
	var session struct{ Token string }
	if status := s.ask("gateway-1", "POST", "/api/operator/session", "", `{"secret":"`+secret+`"}`, &session); status != http.StatusCreated {
		t.Fatalf("the secret: %d", status)
	}
	direct := messaging.DirectID(ana.User, bo.User)
	if _, err := phone.Send(t.Context(), wire.Send{Conversation: direct, ID: "created-direct-0", Kind: messaging.Created, Users: []messaging.UserID{bo.User}}); err != nil {
		t.Fatal(err)
	}
	sent := func(v operator.View) (devices int, sent float64) {
		for _, g := range v.Gateways {
			if g.Report != nil {
				devices += g.Report.Gateway.Devices
				sent += g.Report.Gateway.PerSecond.Sent
			}
		}
		return devices, sent
	}
	var v operator.View
	said := 0
	testenv.Eventually(t, time.Minute, "both devices and messages are seen", func() bool {
		// A rate is of the last two seconds, and each gateway reports at its own moment: she
		// talks on until both are seen at once.
		said++
		if _, err := phone.Send(t.Context(), post(direct, fmt.Sprintf("talks-on-%08d", said))); err != nil {
			t.Fatal(err)
		}
		v = operator.View{}
		if status := s.ask("gateway-1", "GET", "/api/operator", session.Token, "", &v); status != http.StatusOK {
			t.Fatalf("the view: %d", status)
		}
		devices, rate := sent(v)
		return devices == 2 && rate > 0
	})
	if len(v.Gateways) != 2 || v.Gateways[0].Address != s.Addr("gateway-1") || len(v.Chats) != 2 || len(v.Partitions) != messaging.Partitions {
		t.Errorf("%+v", v)
	}
	testenv.Eventually(t, 30*time.Second, "each partition has an owner that says how far it is", func() bool {
		s.ask("gateway-2", "GET", "/api/operator", session.Token, "", &v)
		for _, p := range v.Partitions {
			if p.Owner != "chat-1" && p.Owner != "chat-2" || p.Behind == nil {
				return false
			}
		}
		return true
	})

	var problem struct{ Type string }
	for name, c := range map[string]struct {
		method, path, token, body string
		status                    int
		kind                      string
	}{
		"the view without a token": {"GET", "/api/operator", "", "", http.StatusUnauthorized, "no-token"},
		"the view of a device":     {"GET", "/api/operator", s.token(ana), "", http.StatusUnauthorized, "no-token"},
		"a wrong secret":           {"POST", "/api/operator/session", "", `{"secret":"guessed"}`, http.StatusForbidden, "secret"},
		"an empty secret":          {"POST", "/api/operator/session", "", `{"secret":""}`, http.StatusForbidden, "secret"},
		"what is no JSON":          {"POST", "/api/operator/session", "", `secret`, http.StatusBadRequest, "malformed"},
	} {
		if status := s.ask("gateway-1", c.method, c.path, c.token, c.body, &problem); status != c.status || problem.Type != "/problems/"+c.kind {
			t.Errorf("%s: %d %s", name, status, problem.Type)
		}
	}
	testenv.Eventually(t, 10*time.Second, "who goes on guessing is stopped", func() bool {
		return s.ask("gateway-1", "POST", "/api/operator/session", "", `{"secret":"guessed"}`, &problem) == http.StatusTooManyRequests
	})
}
