package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/infra/backend"
)

// readyTopic is what ready produces to; its records are kept for a minute.
const readyTopic = "_kit_ready"

// ready produces a record and fetches it back.
func ready(ctx context.Context, site backend.Site) error {
	if err := site.Reach(ctx, broker); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	c, err := kgo.NewClient(
		kgo.SeedBrokers(site.Addr(broker)),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		kgo.FetchMaxWait(1e8),
	)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer c.Close()
	retention := "60000"
	_, err = kadm.NewClient(c).CreateTopic(ctx, 1, 1, map[string]*string{"retention.ms": &retention}, readyTopic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("kafka: create %s: %w", readyTopic, err)
	}
	sent, err := c.ProduceSync(ctx, &kgo.Record{Topic: readyTopic, Value: []byte("ready")}).First()
	if err != nil {
		return fmt.Errorf("kafka: produce: %w", err)
	}
	c.AddConsumePartitions(map[string]map[int32]kgo.Offset{
		readyTopic: {sent.Partition: kgo.NewOffset().At(sent.Offset)},
	})
	fetched := c.PollRecords(ctx, 1)
	if err := fetched.Err(); err != nil {
		return fmt.Errorf("kafka: fetch: %w", err)
	}
	if fetched.NumRecords() == 0 {
		return errors.New("kafka: fetched nothing after a produce")
	}
	return nil
}

// drop deletes the topics and the consumer groups within the namespace, and
// returns when the broker knows the topics no longer. A group that still has
// members can't be deleted: they have to leave first.
func drop(ctx context.Context, site backend.Site, namespace string) error {
	// The client would show the topics as they were for seconds.
	c, err := kgo.NewClient(kgo.SeedBrokers(site.Addr(broker)), kgo.MetadataMinAge(20*time.Millisecond))
	if err != nil {
		return fmt.Errorf("kafka: drop %s: %w", namespace, err)
	}
	defer c.Close()
	admin := kadm.NewClient(c)

	groups, err := admin.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("kafka: drop %s: list groups: %w", namespace, err)
	}
	if ours := within(groups.Groups(), namespace); len(ours) > 0 {
		if err := dismiss(ctx, admin, ours); err != nil {
			return fmt.Errorf("kafka: drop %s: %w", namespace, err)
		}
		deleted, err := admin.DeleteGroups(ctx, ours...)
		if err == nil {
			for _, g := range deleted {
				if g.Err != nil && !errors.Is(g.Err, kerr.GroupIDNotFound) {
					err = errors.Join(err, fmt.Errorf("%s: %w", g.Group, g.Err))
				}
			}
		}
		if err != nil {
			return fmt.Errorf("kafka: drop %s: delete groups: %w", namespace, err)
		}
	}

	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		topics, err := admin.ListTopics(ctx)
		if err != nil {
			return fmt.Errorf("kafka: drop %s: list topics: %w", namespace, err)
		}
		ours := within(topics.Names(), namespace)
		if len(ours) == 0 {
			return nil
		}
		if err := deleteTopics(ctx, admin, ours); err != nil {
			return fmt.Errorf("kafka: drop %s: delete topics: %w", namespace, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kafka: drop %s: wait until %d topics are gone: %w", namespace, len(ours), ctx.Err())
		case <-tick.C:
		}
	}
}

// dismiss takes members out of their groups, which can't be deleted before. One
// that has a name of its own is kept in its group for 45 s after it has ended.
func dismiss(ctx context.Context, admin *kadm.Client, groups []string) error {
	described, err := admin.DescribeGroups(ctx, groups...)
	if err != nil {
		return fmt.Errorf("describe groups: %w", err)
	}
	for _, g := range described {
		var named []string
		for _, m := range g.Members {
			if m.InstanceID != nil {
				named = append(named, *m.InstanceID)
			}
		}
		if len(named) == 0 {
			continue
		}
		if _, err := admin.LeaveGroup(ctx, kadm.LeaveGroup(g.Group).Reason("its namespace is dropped").InstanceIDs(named...)); err != nil {
			return fmt.Errorf("take %v out of group %s: %w", named, g.Group, err)
		}
	}
	return nil
}

func deleteTopics(ctx context.Context, admin *kadm.Client, names []string) error {
	deleted, err := admin.DeleteTopics(ctx, names...)
	if err != nil {
		return err
	}
	for _, t := range deleted {
		if t.Err != nil && !errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
			err = errors.Join(err, fmt.Errorf("%s: %w", t.Topic, t.Err))
		}
	}
	return err
}

func within(names []string, namespace string) (ours []string) {
	for _, n := range names {
		if backend.Within(n, namespace) {
			ours = append(ours, n)
		}
	}
	return ours
}
