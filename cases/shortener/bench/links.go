package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"designkits/cases/shortener/testdata"
)

// newKey gets an API key.
func newKey(ctx context.Context, base string) (string, error) {
	var made struct{ Key string }
	err := post(ctx, base+"/api/keys", "", "application/json", nil, func(body io.Reader) error {
		return json.NewDecoder(body).Decode(&made)
	})
	return made.Key, err
}

// makeLinks makes n links to real addresses and returns their paths.
func makeLinks(ctx context.Context, base, key string, n int) (paths []string, err error) {
	targets := testdata.URLs()
	var rows bytes.Buffer
	for i := range n {
		fmt.Fprintf(&rows, "{\"target\":%q}\n", fmt.Sprintf("%s?%d", strings.SplitN(targets[i%len(targets)], "#", 2)[0], i))
	}
	err = post(ctx, base+"/api/links/bulk", key, "application/x-ndjson", &rows, func(body io.Reader) error {
		for lines := bufio.NewScanner(body); lines.Scan(); {
			var row struct{ Code string }
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil || row.Code == "" {
				return fmt.Errorf("a link was refused: %s", lines.Bytes())
			}
			paths = append(paths, "/"+row.Code)
		}
		return nil
	})
	if err == nil && len(paths) != n {
		err = fmt.Errorf("%d links were asked for and %d made", n, len(paths))
	}
	return paths, err
}

func post(ctx context.Context, url, key, kind string, body io.Reader, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what there is of it says enough
		return fmt.Errorf("POST %s: %s: %s", url, res.Status, said)
	}
	return read(res.Body)
}

// get asks as an ordinary browser does, without following redirects, and
// decodes the answer into out where there is one to be had.
func get(ctx context.Context, url, key string, out any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", agent)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, res.Body)
	} else {
		err = json.NewDecoder(res.Body).Decode(out)
	}
	return res.StatusCode, err
}
