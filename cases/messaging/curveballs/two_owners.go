package curveballs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/audit"
	"designkits/cases/messaging/order"
	"designkits/shared/curveball"
)

// TwoOwners is a chat process that doesn't know that its lease has gone to another.
var TwoOwners = curveball.Experiment{
	Name:       "two-owners",
	Question:   "The owner of a conversation is cut off from ZooKeeper, its lease goes to another process, and it doesn't know: two owners take messages of the same conversation. What becomes of the order?",
	Hypothesis: "The first commit of the older one is refused; what anybody was told is sent stands in the one order, at that place.",
	Answer: `A lease is advice. Between the moment in which it ends and the moment in which its holder knows there is always
a gap: a pause of the garbage collector, a cut line, a slow disk. So the lease doesn't protect the order, the log
does: to own a partition is to ask Kafka for the next epoch of its transactional id and to append
a record under it ([begin](adapters/kafka/fence.go)); from that record on the broker refuses what carries an older one
([ErrFenced](errors.go)). The older owner tells nobody that anything is sent, and the gateway asks the
new owner with the same message id. Two owners that believe in their leases alone give the same numbers to
different messages, and the later write takes the other's place: lost after it was acknowledged.`,
	Expect: curveball.Bands{
		curveball.AtMost("acknowledged messages that are not at their place, of 100", "", 0),
		curveball.AtMost("numbers given twice", "", 0),
	},
	Control: curveball.Without("fencing", "FENCING", "none"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := openStores(ctx, t)
		if err != nil {
			return err
		}
		ana, bo := messaging.Address{User: messaging.NewUserID(), Device: 1}, messaging.Address{User: messaging.NewUserID(), Device: 1}
		c := messaging.DirectID(ana.User, bo.User)
		older, err := s.own(ctx, t, c.Partition(), time.Now)
		if err != nil {
			return err
		}
		book := audit.New()
		first, err := accept(ctx, older, messaging.Draft{Conversation: c, ID: messaging.MessageID(rand.Text()), Sender: ana, Kind: messaging.Created, Users: []messaging.UserID{bo.User}})
		if err != nil {
			return err
		}
		book.Sent(c, first.ID, first.Seq)
		t.Phase("another process owns the partition, and the older one goes on")
		newer, err := s.own(ctx, t, c.Partition(), time.Now)
		if err != nil {
			return err
		}
		// Ana's gateway still asks the older one first, as she would after a look into
		// a map that is a moment old.
		given := make([][]messaging.Seq, 2)
		talking, both := errgroup.WithContext(ctx)
		for i, side := range []struct {
			by     messaging.Address
			owners []*order.Owner
		}{{ana, []*order.Owner{older, newer}}, {bo, []*order.Owner{newer}}} {
			talking.Go(func() error {
				for n := range 50 {
					d := messaging.Draft{
						Conversation: c, ID: messaging.MessageID(rand.Text()), Sender: side.by, Kind: messaging.Posted,
						Body: messaging.Body{Shared: fmt.Appendf(nil, "%s says %d", side.by, n)},
					}
					m, err := acceptBy(both, side.owners, d)
					if err != nil {
						return err
					}
					book.Sent(c, m.ID, m.Seq)
					given[i] = append(given[i], m.Seq)
				}
				return nil
			})
		}
		if err := talking.Wait(); err != nil {
			return err
		}
		// The next owner applies what they have left.
		if _, err := s.own(ctx, t, c.Partition(), time.Now); err != nil {
			return err
		}
		history, err := audit.Read(ctx, s.db.History(), c)
		if err != nil {
			return err
		}
		v := book.Check(c, history)
		if !v.OK() {
			t.Note("%s", v)
		}
		seen, twice := map[messaging.Seq]bool{}, 0
		for _, s := range append(given[0], given[1]...) {
			if seen[s] {
				twice++
			}
			seen[s] = true
		}
		t.Figure("acknowledged messages that are not at their place, of 100", float64(v.Lost+v.OutOfOrder+v.Twice))
		t.Figure("numbers given twice", float64(twice))
		return nil
	},
}

// acceptBy asks owners one after the other, as a gateway does that is told "not me".
func acceptBy(ctx context.Context, owners []*order.Owner, d messaging.Draft) (m messaging.Message, err error) {
	for _, o := range owners {
		if m, err = accept(ctx, o, d); !errors.Is(err, messaging.ErrNotOwner) {
			return m, err
		}
	}
	return m, err
}
