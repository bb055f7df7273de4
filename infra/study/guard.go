package study

import (
	"net/http"
	"strings"

	"designkits/shared/problem"
)

// ServeHTTP lets pass what this page's own origin asks for.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host == strings.Replace(s.host, "127.0.0.1", "localhost", 1) && r.Method == http.MethodGet {
		// One origin alone may show the live case.
		http.Redirect(w, r, "http://"+s.host+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		return
	}
	// Any other name is one elsewhere that was made to lead here.
	if r.Host != s.host {
		refuse(w, http.StatusMisdirectedRequest, "this is the study page of a local checkout, to be opened as http://"+s.host+"/")
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
