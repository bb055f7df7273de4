package curveballs

import (
	"context"
	"sync"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/cassandra"
	"designkits/cases/messaging/adapters/kafka"
	"designkits/cases/messaging/fanout"
	"designkits/cases/messaging/order"
	"designkits/shared/cql"
	"designkits/shared/curveball"
	"designkits/shared/kitenv"
)

// Stores are the real ones without the case's processes, in a namespace of their own.
type stores struct {
	db      *cassandra.DB
	kafka   kafka.Config
	deliver *kafka.Deliveries
}

// openStores opens stores that end with the trial.
func openStores(ctx context.Context, t *curveball.Trial) (*stores, error) {
	var at [2]string
	for i, backend := range []string{"cassandra", "kafka"} {
		var err error
		if at[i], err = kitenv.Addr(backend); err != nil {
			return nil, err
		}
	}
	namespace, err := kitenv.Namespace()
	if err != nil {
		return nil, err
	}
	s := &stores{kafka: kafka.Config{Brokers: at[1:], Namespace: namespace, Unfenced: t.Option("FENCING", "epoch") == "none"}}
	if s.db, err = cassandra.Open(ctx, cassandra.Config{Config: cql.Config{Hosts: at[:1], Keyspace: namespace}, Timeout: 10 * time.Second}); err != nil {
		return nil, err
	}
	t.Cleanup(func(context.Context) error { s.db.Close(); return nil })
	if s.deliver, err = kafka.NewDeliveries(s.kafka); err != nil {
		return nil, err
	}
	t.Cleanup(s.deliver.Close)
	return s, nil
}

// own begins an owner of a partition, whoever owned it before, with a clock of its
// own. It ends with the trial.
func (s *stores) own(ctx context.Context, t *curveball.Trial, p messaging.Partition, now func() time.Time) (*order.Owner, error) {
	process, err := kafka.NewLog(s.kafka)
	if err != nil {
		return nil, err
	}
	t.Cleanup(process.Close)
	log, err := process.Own(ctx, p)
	if err != nil {
		return nil, err
	}
	fan := fanout.New(fanout.Config{
		History: s.db.History(), Inbox: s.db.Inbox(), Rosters: s.db.Rosters(), Devices: s.db.Accounts().Devices, WriteUpTo: 100,
		Announcer: &fanout.Router{Deliveries: s.deliver, All: func() []string { return nil }},
	})
	o, err := order.Open(ctx, order.Config{Log: log, History: s.db.History(), Rosters: s.db.Rosters(), Apply: fan.Apply, Now: now})
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	var applying sync.WaitGroup
	applying.Go(func() { _ = o.Run(ctx) }) // one that was fenced says so to who sends
	t.Cleanup(func(context.Context) error {
		end()
		applying.Wait()
		return o.Close()
	})
	return o, nil
}

// accept brings an owner one message.
func accept(ctx context.Context, o *order.Owner, d messaging.Draft) (messaging.Message, error) {
	results, err := o.Accept(ctx, []messaging.Draft{d})
	if err != nil {
		return messaging.Message{}, err
	}
	return results[0].Message, results[0].Err
}
