package redis

import (
	"context"
	"encoding/json"
	"fmt"

	"designkits/cases/messaging/operator"
)

// Reports is operator.Reports: a key a process, which expires.
type Reports struct{ client *Client }

// Reports returns what processes report on themselves.
func (c *Client) Reports() *Reports { return &Reports{c} }

var _ operator.Reports = (*Reports)(nil)

func (s *Reports) key(process string) string { return s.client.key("report", process) }

// Put implements operator.Reports.
func (s *Reports) Put(ctx context.Context, process string, r operator.Report) error {
	text, err := json.Marshal(r)
	if err == nil {
		err = s.client.redis.Set(ctx, s.key(process), text, operator.ReportFor).Err()
	}
	if err != nil {
		return fmt.Errorf("redis: report on %s: %w", process, err)
	}
	return nil
}

// Of implements operator.Reports, in one round trip.
func (s *Reports) Of(ctx context.Context, processes []string) (map[string]operator.Report, error) {
	reports := map[string]operator.Report{}
	if len(processes) == 0 {
		return reports, nil
	}
	keys := make([]string, len(processes))
	for i, p := range processes {
		keys[i] = s.key(p)
	}
	values, err := s.client.redis.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, fmt.Errorf("redis: read the reports of %d processes: %w", len(processes), err)
	}
	for i, value := range values {
		text, ok := value.(string)
		if !ok {
			continue // it is silent
		}
		var r operator.Report
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("redis: read the report of %s: %w", processes[i], err)
		}
		reports[processes[i]] = r
	}
	return reports, nil
}
