// Package web is the page that a person gets: shorten an address, watch its
// clicks arrive, look after one's links, see the state of the system. It holds
// the files and what the templates are given; adapters/httpapi serves them.
//
// The page is plain ES modules without a build step. It knows only the public
// API, so whatever it does can be done with curl as well.
package web

import (
	"embed"
	"time"

	"designkits/shared/webui"
)

//go:embed *.html *.css *.js *.svg
var files embed.FS

// New returns the site. Its pages, for Show, are "index.html", given nothing,
// "notice.html", given a Notice, and "preview.html", given a Preview.
func New() (*webui.Site, error) { return webui.New(files) }

// A Notice tells a person who followed a short link why it led nowhere.
type Notice struct {
	Title  string // "This link has expired"
	Detail string // a sentence, with what to do
}

// A Preview shows where a short link leads without going there.
type Preview struct {
	Short     string // the whole short address
	Target    string
	Host      string // of the target, since that is what to look at first
	Created   time.Time
	Expires   time.Time // zero for never
	Permanent bool
}
