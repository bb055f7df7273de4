package order_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/order"
)

// Who has left stays on the roster, so a group isn't one through which people go
// without an end: also for an owner that has read the roster from the store. Those who
// were there may come back.
func TestAConversationTakesSoManyPeopleInItsLife(t *testing.T) {
	s := openStores(t)
	ana := messaging.Address{User: messaging.NewUserID(), Device: 1}
	c := messaging.NewConversationID(messaging.Group)
	people := make([]messaging.UserID, 5)
	for i := range people {
		people[i] = messaging.NewUserID()
	}
	four := func(cfg *order.Config) { cfg.People = 4 }
	o := s.own(t, c.Partition(), time.Now, four)
	defer func() { o.die() }()
	sent := 0
	send := func(kind messaging.MessageKind, users ...messaging.UserID) error {
		t.Helper()
		sent++
		results, err := o.Accept(t.Context(), []messaging.Draft{{Conversation: c, ID: messaging.MessageID(fmt.Sprintf("%016d", sent)),
			Sender: ana, Kind: kind, Users: users, Title: map[bool]string{true: "a group"}[kind == messaging.Created]}})
		if err != nil {
			t.Fatal(err)
		}
		return results[0].Err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(err error) {
		t.Helper()
		if !errors.Is(err, messaging.ErrTooMany) {
			t.Errorf("a fifth person: got %v, wanted ErrTooMany", err)
		}
	}
	must(send(messaging.Created, people[0], people[1]))
	must(send(messaging.Removed, people[0], people[1]))
	refused(send(messaging.Added, people[2], people[3]))
	must(send(messaging.Added, people[2], people[0]))
	refused(send(messaging.Added, people[0], people[3]))
	o.die()
	o = s.own(t, c.Partition(), time.Now, four)
	refused(send(messaging.Added, people[4]))
	must(send(messaging.Added, people[0], people[1]))
}
