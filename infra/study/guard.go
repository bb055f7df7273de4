package study

import (
	"net"
	"net/http"
	"slices"

	"designkits/shared/problem"
)

// loopbackNames are the Host headers that the page answers to. Any other is
// that of a page elsewhere whose name was made to lead here.
func loopbackNames(address string) []string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return []string{address}
	}
	return []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("localhost", port)}
}

// ServeHTTP lets pass what this page's own origin asks for.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(s.hosts, r.Host) {
		refuse(w, http.StatusMisdirectedRequest, "this is the study page of a local checkout, to be opened as http://"+s.hosts[0]+"/")
		return
	}
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		refuse(w, http.StatusForbidden, "a page of another origin may change nothing here")
		return
	}
	// Whatever isn't a page is for our own script alone: what it reads of the
	// checkout is nobody else's, and sheets and searches cost time.
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		refuse(w, http.StatusForbidden, "a page of another origin may read nothing here")
		return
	}
	s.mux.ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, status int, why string) {
	problem.Write(w, problem.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: why})
}
