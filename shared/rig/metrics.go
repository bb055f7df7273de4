package rig

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metric reads a process's metric from its /metrics: the value of a counter or
// gauge, the number of observations of a histogram. Where it has labels, it is
// the sum of those series that have the given ones: "outcome", "followed".
func (c *Case) Metric(ctx context.Context, process, name string, labels ...string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Addr(process)+"/metrics", nil)
	if err != nil {
		return 0, fmt.Errorf("metrics of %s: %w", process, err)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("metrics of %s: %w", process, err)
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		return 0, fmt.Errorf("metrics of %s: %w", process, err)
	}
	family := families[name]
	if family == nil {
		return 0, fmt.Errorf("metrics of %s: there is no %s", process, name)
	}
	sum := 0.0
series:
	for _, m := range family.GetMetric() {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		for i := 0; i+1 < len(labels); i += 2 {
			if has[labels[i]] != labels[i+1] {
				continue series
			}
		}
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return sum, nil
}
