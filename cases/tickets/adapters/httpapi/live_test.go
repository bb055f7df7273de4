package httpapi_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"designkits/shared/testenv"
)

// A page is one that follows the seats.
type page struct {
	status int
	events chan [3]string // event, id, data
	close  func()
}

// follow opens a stream from a version on, "" for from the beginning.
func (s *scene) follow(event, version string) *page {
	s.t.Helper()
	req := s.request(call{method: "GET", path: event + "/live", header: map[string]string{"Last-Event-ID": version}})
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	p := &page{status: resp.StatusCode, events: make(chan [3]string, 100)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var e [3]string
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e[0] = value
			case "id":
				e[1] = value
			case "data":
				e[2] = value
				p.events <- e
			}
		}
	}()
	p.close = func() { resp.Body.Close(); <-ended }
	s.t.Cleanup(p.close)
	return p
}

func (p *page) next(t *testing.T) [3]string {
	t.Helper()
	select {
	case e := <-p.events:
		return e
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		return [3]string{}
	}
}

func TestAPageGoesOnWhereItWas(t *testing.T) {
	s := newScene(t)
	event, fan := s.event(`{}`), s.session("fan")
	first := s.follow(event, "")
	whole := first.next(t)
	if whole[0] != "seats" || !strings.Contains(whole[2], `"version":"`+whole[1]+`"`) {
		t.Fatalf("it begins with %v", whole)
	}
	first.close()
	h := s.hold(event, fan, `{"seats":["stalls/A/1","stalls/A/2"]}`)
	testenv.Eventually(t, time.Minute, "there is a newer version", func() bool { held, _ := s.shown(event); return held == 2 })
	again := s.follow(event, whole[1])
	if e := again.next(t); e[0] != "delta" || !strings.Contains(e[2], `"held":[0,1]`) {
		t.Errorf("it goes on with %v", e)
	}
	s.must(204, call{method: "DELETE", path: event + "/holds/" + h.Hold, session: fan}, nil)
	if e := again.next(t); e[0] != "delta" || !strings.Contains(e[2], `"free":[0,1]`) {
		t.Errorf("then comes %v", e)
	}
	// Of another replica's version it begins anew.
	if e := s.follow(event, "another-1").next(t); e[0] != "seats" {
		t.Errorf("after another replica's version comes %v", e)
	}
}

func TestTheStateOfTheSeatsIsSentOnceAVersion(t *testing.T) {
	s := newScene(t)
	event := s.event(`{}`)
	tag := s.must(200, call{method: "GET", path: event + "/seats"}, nil).header.Get("ETag")
	s.must(304, call{method: "GET", path: event + "/seats", header: map[string]string{"If-None-Match": tag}}, nil)
	s.hold(event, s.session("fan"), `{"best":{"seats":1}}`)
	testenv.Eventually(t, time.Minute, "there is a newer version", func() bool {
		return s.do(call{method: "GET", path: event + "/seats", header: map[string]string{"If-None-Match": tag}}).status == 200
	})
}

// The scene lets three pages follow.
func TestMorePagesThanItCanServeAreToldSo(t *testing.T) {
	s := newScene(t)
	event := s.event(`{}`)
	var pages []*page
	for range 3 {
		pages = append(pages, s.follow(event, ""))
	}
	if a := s.do(call{method: "GET", path: event + "/live"}); a.status != 503 || a.problem().Type != "/problems/busy" {
		t.Errorf("the fourth: %d %s", a.status, a.body)
	}
	pages[0].close()
	testenv.Eventually(t, time.Minute, "there is a place again", func() bool {
		p := s.follow(event, "")
		defer p.close()
		return p.status == 200
	})
}

func TestPagesOfAnEventThatMovesBeginAnew(t *testing.T) {
	s := newScene(t)
	event := s.event(`{}`)
	p := s.follow(event, "")
	version := p.next(t)[1]
	body := `{"name":"x","venue":"hall","starts":"2099-01-01T00:00:00Z","onSale":"2020-01-01T00:00:00Z","currency":"EUR","prices":{"1":1,"2":1,"3":1},"perAccount":4,"holdFor":60,"maxHold":600}`
	s.must(200, call{method: "PUT", path: event, session: s.session("organiser"), body: body}, nil)
	again := s.follow(event, version)
	if e := again.next(t); e[0] != "seats" || !strings.Contains(e[2], "balcony") {
		t.Errorf("it goes on with %.100v", e)
	}
}
