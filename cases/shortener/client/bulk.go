package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Bulk shortens some targets with one request. It returns one link a target,
// in order.
func (c *Client) Bulk(ctx context.Context, targets []string) ([]Link, error) {
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	for _, target := range targets {
		if err := encoder.Encode(map[string]string{"target": target}); err != nil {
			return nil, err
		}
	}
	res, err := c.Send(ctx, http.MethodPost, "/api/links/bulk", "application/x-ndjson", strings.NewReader(body.String()))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode >= 400 {
		content, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what there is of it says enough
		return nil, refused(res, content)
	}
	var made []Link
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 64<<10)
	for lines.Scan() {
		var result struct {
			Link
			Status int             `json:"status"`
			Error  json.RawMessage `json:"error"`
		}
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			return nil, fmt.Errorf("result line %d is no JSON: %w", len(made)+1, err)
		}
		if result.Code == "" {
			return nil, fmt.Errorf("line %d (%s) was refused: %s", len(made)+1, targets[min(len(made), len(targets)-1)], lines.Text())
		}
		made = append(made, result.Link)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the results: %w", err)
	}
	if len(made) != len(targets) {
		return nil, fmt.Errorf("%d lines were sent and %d results came back", len(targets), len(made))
	}
	return made, nil
}
