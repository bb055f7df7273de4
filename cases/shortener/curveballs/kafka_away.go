package curveballs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/cases/shortener/adapters/kafka"
	"designkits/cases/shortener/clicks"
	"designkits/shared/curveball"
	"designkits/shared/fault"
	"designkits/shared/kitenv"
	"designkits/shared/rig"
)

// KafkaAway is a click log that takes nothing for a minute.
var KafkaAway = curveball.Experiment{
	Name:       "kafka-away",
	Question:   "Kafka is away for a minute. What becomes of the clicks of that time?",
	Hypothesis: "They wait on the replicas' disks and are counted afterwards: none is lost, none counts twice, and their order holds.",
	Answer: `The redirect never waits for Kafka. What Kafka has not acknowledged within 75 ms is written to a
[Spool](clicks/spool/spool.go) on the replica's disk and replayed, oldest first, when Kafka is back; what comes
meanwhile queues behind it. A batch goes into one partition of the log, which depends on its first
click, so that what is left of a given-up try is the beginning of the next: the order holds. A click
that was both spooled and written counts once, by its id. The spool's size bounds how long Kafka may be away: 1 GiB is four million clicks,
twelve minutes of our peak on two replicas. And a replica's disk must outlive the replica.`,
	Expect: curveball.Bands{
		curveball.AtMost("clicks lost", "", 0),
		curveball.AtMost("clicks counted twice", "", 0),
		curveball.AtMost("clicks out of order", "", 0),
		curveball.AtMost("failed redirects", "%", 0.5),
	},
	Control: curveball.Without("the spool", "SPOOL_CLICKS", "off"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		kit, err := fault.Open()
		if err != nil {
			return err
		}
		s, err := start(ctx, t, rig.Options{})
		if err != nil {
			return err
		}
		links, err := s.links(ctx, 100)
		if err != nil {
			return err
		}
		// One replica: only the clicks of one are in an order.
		click := func(name string, span time.Duration) (failed float64, err error) {
			r, err := s.clickAt(ctx, name, s.Addr("api-1"), 200, span, links)
			if err != nil {
				return 0, err
			}
			return 100 * r.FailedShare(), nil
		}
		if _, err := click("as ever", 3*time.Second); err != nil {
			return err
		}
		if err := t.Break(ctx, "kafka is frozen", with(kit.Pause, "kafka"), with(kit.Resume, "kafka")); err != nil {
			return err
		}
		failed, err := click("Kafka is away", time.Minute)
		if err != nil {
			return err
		}
		if err := t.Mend(ctx); err != nil {
			return err
		}
		if _, err := click("Kafka is back", 3*time.Second); err != nil {
			return err
		}
		c, err := s.counted(ctx)
		if err != nil {
			return err
		}
		disorder, err := outOfOrder(ctx, kafka.TopicsOf(s.Namespace).Clicks)
		t.Figure("clicks lost", float64(c.lost))
		t.Figure("clicks counted twice", float64(c.twice))
		t.Figure("clicks out of order", float64(disorder))
		t.Figure("failed redirects", failed)
		return err
	},
}

// outOfOrder is how many clicks stand in their partition behind one that was
// made after them. A click that stands there twice counts where it stands first.
func outOfOrder(ctx context.Context, topic string) (n int, err error) {
	addr, err := kitenv.Addr("kafka")
	if err != nil {
		return 0, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", topic, err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, fmt.Errorf("find the end of %s: %w", topic, err)
	}
	left := map[int32]bool{}
	ends.Each(func(o kadm.ListedOffset) { left[o.Partition] = o.Offset > 0 })
	seen, newest := map[string]bool{}, map[int32]string{}
	for anyLeft(left) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return n, fmt.Errorf("read %s: %w", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			end, _ := ends.Lookup(topic, r.Partition)
			if r.Offset >= end.Offset-1 {
				left[r.Partition] = false
			}
			var click clicks.Click
			if json.Unmarshal(r.Value, &click) != nil || click.Code == "" || seen[click.ID] {
				return // a tick, or a replay
			}
			seen[click.ID] = true
			// Ids are UUIDv7: they grow with time.
			if click.ID < newest[r.Partition] {
				n++
			}
			newest[r.Partition] = max(newest[r.Partition], click.ID)
		})
	}
	return n, nil
}

func anyLeft(left map[int32]bool) bool {
	for _, more := range left {
		if more {
			return true
		}
	}
	return false
}
