package curveballs

import (
	"context"
	"fmt"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/crowd"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// HotPartition is a message that many read in the same moment, out of one partition.
var HotPartition = curveball.Experiment{
	Name:       "hot-partition",
	Question:   "300 people are looking at a large group when somebody writes. All of their devices are told, and ask for the same message, in one partition of Cassandra. How often is it read?",
	Hypothesis: "Far less often than it is asked for: at a gateway those who ask while it is being read share that read.",
	Answer: `Fan-out on read moves the work from the writer to the readers, and they all come to one place: the conversation's newest bucket, on three
nodes of however many. More nodes don't help, since a partition is not divided. What helps is that they all want the same: a gateway reads a page once for all
who ask for it meanwhile ([Together](session/together.go)), so a hot partition is read by each gateway some times and not by each device. Nothing is
remembered after that: a body that was deleted for everybody a moment ago must come to nobody. Whether somebody may read it is asked for each, of the
members' partitions, which are eight. The bucket bounds the other dimension: no group grows a partition for ever ([BucketSize](buckets.go)).`,
	Expect: curveball.Bands{
		curveball.AtMost("reads of the partition for a message that 300 ask for", "", 150),
		curveball.AtMost("messages missing on the screens", "", 0),
	},
	Control: curveball.Without("coalescing", "COALESCING", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		const people, posts = 300, 10
		// Large is what has more than 256 members; here 100, so that few will do.
		s, err := start(ctx, t, rig.Options{Env: map[string]string{"WRITE_UP_TO": "100"}})
		if err != nil {
			return err
		}
		_, phone, err := s.one(ctx)
		if err != nil {
			return err
		}
		c := messaging.NewConversationID(messaging.Group)
		fans, err := s.gather(ctx, phone, c, people+1, people)
		if err != nil {
			return err
		}
		if _, err := s.Connect(ctx, s.Gateways, nil, fans...); err != nil {
			return err
		}
		shown := func() (n int) {
			for _, fan := range fans {
				n += s.Book.Count(fan, c)
			}
			return n
		}
		before, err := s.pages(ctx)
		if err != nil {
			return err
		}
		for n := range posts {
			if _, err := s.say(ctx, phone, text(c, fmt.Sprint("number ", n))); err != nil {
				return err
			}
			// With the first comes the group's beginning.
			if err := crowd.Await(ctx, 30*time.Second, "messages shown", people*(n+2), shown); err != nil {
				return err
			}
		}
		after, err := s.pages(ctx)
		if err != nil {
			return err
		}
		missing := 0
		for _, fan := range fans {
			missing += 1 + posts - s.Book.Count(fan, c)
		}
		t.Figure("reads of the partition for a message that 300 ask for", (after-before)/posts)
		t.Figure("messages missing on the screens", float64(missing))
		return nil
	},
}

// pages is how many pages of histories the gateways have read.
func (s *site) pages(ctx context.Context) (sum float64, err error) {
	for _, gateway := range []string{"gateway-1", "gateway-2"} {
		n, err := s.Metric(ctx, gateway, "gateway_pages_read_total")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
