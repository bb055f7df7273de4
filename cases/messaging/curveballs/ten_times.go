package curveballs

import (
	"context"
	"fmt"

	"designkits/cases/messaging"
	"designkits/shared/curveball"
	"designkits/shared/estimate"
)

// TenTimes is the sheet for ten times the connections.
var TenTimes = curveball.Experiment{
	Name:       "ten-times",
	Question:   "From 50 million to 500 million connections: how many gateways are that, what do they hold, and what happens when one dies?",
	Hypothesis: "A thousand gateways with 16 GB each. Heartbeats are 17 million a second and cost little; what one that dies sends to the others is nothing to each.",
	Answer: `Nothing in the connections is shared, so it is ten times of everything: the question is what a connection weighs. At the
5.6 kB that the bench has measured and the kernel's 4 kB it is the choice of 500,000 connections a gateway that decides, not the memory
([holding](estimate.go)). With two goroutines and their buffers it would be the memory, and two thirds more gateways. When one dies, its 500,000
come back within 10 s to a thousand others: 50 handshakes a second at each. The number of partitions doesn't grow by itself: there are
16 here, and a fleet of this size needs the sheet's 1,700, chosen before the first message, since a conversation's partition
is its hash. What the money goes into is none of this: six tenths of it are bytes sent, most of them attachments, and nine of ten nodes are Cassandra's.`,
	Expect: curveball.Bands{
		curveball.AtMost("gateways", "", 1100),
		curveball.AtMost("memory of all connections", "TB", 6),
		curveball.AtMost("handshakes at each other gateway when one dies", "per second", 200),
		curveball.AtMost("cost of a person, times that at 50 million", "", 1.05),
	},
	Control: curveball.With("two goroutines and their buffers a connection, 23 kB", "memory per connection", "23"),
	Run: func(_ context.Context, t *curveball.Trial) error {
		set := map[string]float64{}
		if kB := t.Option("memory per connection", ""); kB != "" {
			var n float64
			if _, err := fmt.Sscan(kB, &n); err != nil {
				return fmt.Errorf("memory per connection %q: %w", kB, err)
			}
			set["memory per connection"] = n
		}
		now, err := figures(set)
		if err != nil {
			return err
		}
		set["connections"] = 500e6
		then, err := figures(set)
		if err != nil {
			return err
		}
		for _, name := range []string{"gateways", "memory of all connections", "heartbeats", "heartbeats' traffic", "Redis nodes", "chat processes", "partitions", "Kafka brokers", "Cassandra nodes", "cost"} {
			t.Note("%s: %s, and then %s", name, now[name].Text, then[name].Text)
		}
		t.Figure("gateways", then["gateways"].Value)
		t.Figure("memory of all connections", then["memory of all connections"].Value/1000) // from GB
		t.Figure("handshakes at each other gateway when one dies", then["of those at each other gateway"].Value)
		t.Figure("cost of a person, times that at 50 million", then["cost per person"].Value/now["cost per person"].Value)
		return nil
	},
}

// figures are the sheet's rows by their names.
func figures(set map[string]float64) (map[string]estimate.Row, error) {
	rows, err := messaging.Sheet().Evaluate(set)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]estimate.Row, len(rows))
	for _, r := range rows {
		byName[r.Name] = r
	}
	return byName, nil
}
