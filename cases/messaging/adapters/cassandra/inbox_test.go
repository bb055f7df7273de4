package cassandra

import (
	"errors"
	"slices"
	"testing"
	"time"

	"designkits/cases/messaging"
)

// noon is today's: an hour later it is still today.
func noon() time.Time { return dateOf(dayOf(time.Now())).Add(12 * time.Hour) }

// itemsOfDay are items of a device, of so many days before.
func itemsOfDay(a messaging.Address, today time.Time, ago, n int) (items []messaging.Item) {
	for _, m := range talk(n, averageBody(a)) {
		m.At = today.AddDate(0, 0, -ago)
		items = append(items, messaging.Item{Device: a, Message: m})
	}
	return items
}

// indexed are the days that the index has of a device, as days ago.
func indexed(t *testing.T, s *Inbox, a messaging.Address) (ago []int) {
	t.Helper()
	days, err := s.daysOf(t.Context(), a, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range days {
		ago = append(ago, int(dayOf(s.db.config.Now())-d.day))
	}
	return ago
}

func page(t *testing.T, s *Inbox, a messaging.Address) []messaging.Message {
	t.Helper()
	items, _, err := s.Page(t.Context(), a, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// A device that reads all it gets isn't asked about thirty days at each connection.
func TestDaysThatAreEmptyAreNotLookedAtAgain(t *testing.T) {
	s, a := openDB(t).Inbox(), messaging.Address{User: messaging.NewUserID(), Device: 1}
	clock := noon()
	s.db.config.Now = func() time.Time { return clock }
	for _, ago := range []int{20, 5, 1, 0} {
		items := itemsOfDay(a, clock, ago, 3)
		if err := s.Put(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		acknowledged := []messaging.Receipt{{Conversation: items[0].Message.Conversation, Device: a, Delivered: 3}}
		if err := errors.Join(s.db.Receipts().Put(t.Context(), acknowledged), s.Drop(t.Context(), acknowledged)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the first page drops the items of days gone by, the next finds them gone
		if items := page(t, s, a); len(items) != 0 {
			t.Fatalf("acknowledged and still there: %+v", items)
		}
	}
	if got := indexed(t, s, a); !slices.Equal(got, []int{20, 5, 1, 0}) {
		t.Errorf("at once the index has the days %v ago; what was put within the hour stays", got)
	}
	clock = clock.Add(61 * time.Minute)
	page(t, s, a)
	if got := indexed(t, s, a); slices.Contains(got, 20) || slices.Contains(got, 5) || !slices.Contains(got, 1) {
		t.Errorf("an hour later the index has the days %v ago, wanted only those that still get items", got)
	}
	late := itemsOfDay(a, clock, 5, 1)
	if err := s.Put(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if items := page(t, s, a); len(items) != 1 {
		t.Errorf("an item that came late to a day that was cleared: the inbox has %+v", items)
	}
}

func TestItemsAreDroppedWhenTheirTimeIsOver(t *testing.T) {
	db := openDB(t)
	a := messaging.Address{User: messaging.NewUserID(), Device: 1}
	today := noon()
	if err := db.Inbox().Put(t.Context(), itemsOfDay(a, today, 0, 1)); err != nil {
		t.Fatal(err)
	}
	want := int(messaging.InboxFor / time.Second)
	var ttl int
	if err := db.session.Query(`SELECT TTL(sender) FROM inbox WHERE device = ? AND day = ?`, a.String(), dateOf(dayOf(today))).WithContext(t.Context()).Scan(&ttl); err != nil {
		t.Fatal(err)
	}
	if ttl > want || ttl < want-60 {
		t.Errorf("an item has %d s to live, wanted %d", ttl, want)
	}
}

// The deadline is that of an operation. A batch of messages to large groups is
// many, and one that could never end in time would be tried for ever.
func TestAPutTakesTheTimeItNeeds(t *testing.T) {
	s := openDB(t, func(c *Config) { c.Timeout = 2 * time.Second }).Inbox()
	var devices []messaging.Address
	var items []messaging.Item
	for range 80 {
		a := messaging.Address{User: messaging.NewUserID(), Device: 1}
		devices = append(devices, a)
		items = append(items, itemsOfDay(a, noon(), 0, 500)...)
	}
	began := time.Now()
	err := s.Put(t.Context(), items)
	for tries := 1; err != nil && tries < 3; tries++ { // a server that did nothing for a while isn't the point
		err = s.Put(t.Context(), items)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d items in %s, %s each operation", len(items), time.Since(began).Round(time.Millisecond), s.db.config.Timeout)
	for _, a := range []messaging.Address{devices[0], devices[len(devices)-1]} {
		if found := page(t, openDB(t).Inbox(), a); len(found) != 100 {
			t.Errorf("%s finds %d items on its first page, not 100", a, len(found))
		}
	}
}
