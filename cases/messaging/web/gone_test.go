package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
	"designkits/shared/testenv"
)

// All that a page needs it gets from another gateway, which is another origin to the
// browser: people it has never talked to, their keys, and the way of an attachment.
func TestThePageOutlivesTheGatewayThatItCameFrom(t *testing.T) {
	s := start(t)
	testenv.Eventually(t, 30*time.Second, "both gateways are known", func() bool {
		resp, err := http.Get(s.url("/api/gateways"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(body), s.Addr("gateway-2"))
	})
	ana, bo := s.signUp("ana"), s.signUp("bo")
	if err := s.Lose("gateway-1"); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*browsertest.Tab{ana, bo} {
		b.Until(t, `document.querySelector("#offline").hidden && document.body.dataset.gateway === "gateway-2"`)
	}
	ana.Do(t, browsertest.Click("#new-chat"), chromedp.SendKeys("#ask-name", "bo\r"), chromedp.WaitVisible("#thread"))
	s.say(ana, "we have never talked")
	s.opens(bo, "ana")
	s.shows(bo, "we have never talked")
	ana.Do(t, chromedp.SetUploadFiles("#file", []string{picture(t)}))
	bo.Until(t, `document.querySelector(".attachment img")?.naturalWidth === 240`)
	s.press(bo, ".attachment")
	bo.Until(t, `document.querySelector("img.full")?.naturalWidth === 600`)
}
