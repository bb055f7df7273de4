package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// freshness is how long a click may take until a page that watches shows it.
const freshness = 5 * time.Second

// seeOneClick watches a new link as the page does and follows it once.
func (j *journey) seeOneClick(ctx context.Context) (string, error) {
	l, err := j.make(ctx, map[string]any{"target": j.links[5].Target})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // enough to say how late it was
	defer cancel()
	res, err := j.client.Listen(ctx, "/api/links/"+l.Code+"/live")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()

	clicked := time.Now()
	status, _, err := j.client.Follow(ctx, "/"+l.Code, passerBy())
	if err != nil {
		return "", err
	}
	if status != http.StatusFound {
		return "", fmt.Errorf("GET /%s answered %d, not 302", l.Code, status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	event := ""
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "event:"); ok {
			event = strings.TrimSpace(name)
		}
		data, ok := strings.CutPrefix(line, "data:")
		if !ok || event != "increment" {
			continue
		}
		var increment struct {
			Code   string `json:"code"`
			Clicks int64  `json:"clicks"`
		}
		if err := json.Unmarshal([]byte(data), &increment); err != nil {
			return "", fmt.Errorf("a live event is no JSON: %w", err)
		}
		if increment.Code != l.Code || increment.Clicks != 1 {
			return "", fmt.Errorf("the live event is %s, not one click of /%s", data, l.Code)
		}
		took := time.Since(clicked)
		if took > freshness {
			return "", fmt.Errorf("%w: the click arrived after %s, more than %s", errLate, took.Round(time.Millisecond), freshness)
		}
		return fmt.Sprintf("%.1f s after the click", took.Seconds()), nil
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("the click did not arrive: %w", err)
	}
	return "", errors.New("the live stream ended before the click arrived")
}
