package cassandra

import (
	"errors"
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

// partsOf are what the index has of a device.
func partsOf(t *testing.T, s *Inbox, a messaging.Address) []listed {
	t.Helper()
	parts, err := s.partsFrom(t.Context(), part{device: a})
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

func page(t *testing.T, s *Inbox, a messaging.Address) []messaging.Message {
	t.Helper()
	items, _, err := s.Page(t.Context(), a, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// A device that reads all it gets isn't asked about each conversation of thirty days at
// each connection.
func TestPartsThatAreEmptyAreNotLookedAtAgain(t *testing.T) {
	s, a := openDB(t).Inbox(), messaging.Address{User: messaging.NewUserID(), Device: 1}
	clock := noon()
	s.db.config.Now = func() time.Time { return clock }
	var all []messaging.Item
	for _, ago := range []int{20, 5, 1, 0} {
		items := itemsOfDay(a, clock, ago, 3)
		all = append(all, items...)
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
	for _, hours := range []time.Duration{0, 2} {
		clock = clock.Add(hours * time.Hour)
		page(t, s, a)
		if got := partsOf(t, s, a); len(got) != 4 {
			t.Errorf("%d hours later the index has %d parts; what was put a short while ago stays", hours, len(got))
		}
	}
	clock = clock.Add(time.Hour + time.Minute)
	page(t, s, a)
	if got := partsOf(t, s, a); len(got) != 0 {
		t.Errorf("three hours later the index has still %+v", got)
	}
	for i, ago := range []int{5, 0} {
		late := all[3+6*i : 4+6*i]
		late[0].Message.Seq = 4
		if err := s.Put(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		if items := page(t, s, a); len(items) != i+1 {
			t.Errorf("an item that came late to a part of %d days ago that was cleared: the inbox has %+v", ago, items)
		}
	}
}

// Who reads an empty part is about to clear it away, and somebody puts an item there.
func TestAnItemThatComesWhileItsPartIsClearedIsFound(t *testing.T) {
	s, a := openDB(t).Inbox(), messaging.Address{User: messaging.NewUserID(), Device: 1}
	clock := noon()
	s.db.config.Now = func() time.Time { return clock }
	items := itemsOfDay(a, clock, 0, 2)
	put := func(item messaging.Item) {
		t.Helper()
		if err := s.Put(t.Context(), []messaging.Item{item}); err != nil {
			t.Fatal(err)
		}
	}
	put(items[0])
	found := partsOf(t, s, a)
	if len(found) != 1 {
		t.Fatalf("the index has %+v", found)
	}
	clock = clock.Add(5 * time.Hour)
	read := clock.Add(time.Hour) // by another's clock
	put(items[0])                // writes the index
	clock = clock.Add(59 * time.Minute)
	put(items[1]) // doesn't
	if err := s.clear(t.Context(), found[0], read.Add(59*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := page(t, s, a); len(got) != 2 {
		t.Errorf("the inbox has %d items, wanted both", len(got))
	}
}

// A large inbox is many parts: more than are looked up at once, and most of them empty.
func TestAPageGoesThroughAsManyPartsAsThereAre(t *testing.T) {
	s, a := openDB(t).Inbox(), messaging.Address{User: messaging.NewUserID(), Device: 1}
	var items []messaging.Item
	var read []messaging.Receipt
	for i := range 3 * indexPage {
		each := itemsOfDay(a, noon(), 0, 1)
		items = append(items, each...)
		if i%indexPage != 0 {
			read = append(read, messaging.Receipt{Conversation: each[0].Message.Conversation, Device: a, Delivered: 1})
		}
	}
	if err := errors.Join(s.Put(t.Context(), items), s.db.Receipts().Put(t.Context(), read), s.Drop(t.Context(), read[:len(read)/2])); err != nil {
		t.Fatal(err)
	}
	want := map[messaging.ConversationID]bool{}
	for i := range 3 {
		want[items[i*indexPage].Message.Conversation] = true
	}
	for cursor, first := "", true; first || cursor != ""; first = false {
		found, next, err := s.Page(t.Context(), a, cursor, 1)
		if err != nil || len(found) != 1 || !want[found[0].Conversation] {
			t.Fatalf("a page has %+v, %v", found, err)
		}
		delete(want, found[0].Conversation)
		cursor = next
	}
	if len(want) > 0 {
		t.Errorf("of three items %d are in no page", len(want))
	}
}

func TestItemsAreDroppedWhenTheirTimeIsOver(t *testing.T) {
	db := openDB(t)
	a := messaging.Address{User: messaging.NewUserID(), Device: 1}
	today := noon()
	items := itemsOfDay(a, today, 0, 1)
	if err := db.Inbox().Put(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	key := partOf(a, items[0].Message).key()
	for what, want := range map[string]int{"TTL(sender) FROM inbox_items": inboxSeconds, "TTL(written) FROM inbox_parts": indexSeconds} {
		var ttl int
		if err := db.session.Query(`SELECT `+what+` WHERE device = ? AND day = ? AND conversation = ? AND bucket = ?`, key...).WithContext(t.Context()).Scan(&ttl); err != nil {
			t.Fatal(err)
		}
		if ttl > want || ttl < want-60 {
			t.Errorf("%s: %d s to live, wanted %d", what, ttl, want)
		}
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
