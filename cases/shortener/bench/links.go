package bench

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"designkits/cases/shortener/client"
	"designkits/cases/shortener/testdata"
)

// open returns a user of the case at an address, with an API key.
func open(ctx context.Context, page string) (*client.Client, error) {
	c, err := client.New(page)
	if err != nil {
		return nil, err
	}
	if _, err := c.NewKey(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// makeLinks makes n links to real addresses and returns their paths.
func makeLinks(ctx context.Context, c *client.Client, n int) (paths []string, err error) {
	urls := testdata.URLs()
	targets := make([]string, n)
	for i := range targets {
		address, _, _ := strings.Cut(urls[i%len(urls)], "#")
		targets[i] = fmt.Sprintf("%s?%d", address, i)
	}
	for some := range slices.Chunk(targets, 1000) {
		made, err := c.Bulk(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, l := range made {
			paths = append(paths, "/"+l.Code)
		}
	}
	return paths, nil
}

// browser are the headers of an ordinary one.
var browser = http.Header{"User-Agent": {agent}}
