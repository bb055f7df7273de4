package provider

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/tickets"
	"designkits/cases/tickets/payments"
)

// opened opens a journal, which the test closes.
func opened(t *rapid.T, path string) (*journal, *ledger) {
	j, l, err := openJournal(path, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return j, l
}

// same fails unless two ledgers know the same.
func same(t *rapid.T, got, want *ledger) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("it is\n%+v\nwant\n%+v", got, want)
	}
}

// drawn draws something that may happen to a ledger: an entry, or none where
// that is refused.
func drawn(t *rapid.T, l *ledger, number int) (entry, bool) {
	now := time.Unix(int64(number), 0).UTC()
	ids := slices.Sorted(maps.Keys(l.payments))
	if len(ids) == 0 || rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		h := held{Payment: payments.Payment{
			ID: fmt.Sprintf("pay_%d", number), Amount: tickets.Cents(rapid.Int64Range(0, 5).Draw(t, "amount")), Version: 1,
			Status: rapid.SampledFrom([]payments.Status{payments.Pending, payments.Authorised, payments.Declined}).Draw(t, "status"),
		}}
		if h.Status == payments.Pending {
			h.Decide = now
		}
		return told(h, number, now), true
	}
	id := rapid.SampledFrom(ids).Draw(t, "payment")
	var h held
	var err error
	switch to := rapid.SampledFrom([]payments.Status{payments.Authorised, payments.Captured, payments.Voided, payments.Refunded, "delivered"}).Draw(t, "to"); to {
	case "delivered":
		for _, n := range l.noticesInOrder() {
			return entry{Delivered: n.ID}, true
		}
		return entry{}, false
	case payments.Refunded:
		h, err = l.refunded(id, tickets.Cents(rapid.Int64Range(-1, 6).Draw(t, "back")))
	default:
		h, err = l.moved(id, to)
	}
	return told(h, number, now), err == nil
}

// told is the entry of a changed payment with all that belongs to it.
func told(h held, number int, now time.Time) entry {
	return entry{
		Payment: &h, Answer: &answer{Key: fmt.Sprintf("key %d", number), At: time.Now().UTC(), Payment: h.Payment},
		Notice: &notice{payments.Notice{ID: fmt.Sprintf("evt_%d", number), At: now, Payment: h.Payment}, now},
	}
}

// Whatever happens to payments: money isn't made, versions grow by one, what
// has ended stays so, and a ledger that is read again is the same.
func TestALedgerIsTheSameAfterAnyKill(t *testing.T) {
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		path := filepath.Join(dir, strconv.Itoa(runs))
		j, l := opened(t, path)
		before := newLedger() // without the last change
		for number := range rapid.IntRange(1, 30).Draw(t, "changes") {
			e, ok := drawn(t, l, number)
			if !ok {
				continue
			}
			if e.Payment != nil {
				obeys(t, l.payments[e.Payment.ID], *e.Payment)
			}
			before = reread(t, path)
			l.apply(e)
			if err := j.append([]entry{e}, false); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
		same(t, reread(t, path), l)

		// A kill in the middle of the last write leaves a part of the last line.
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		last := bytes.LastIndexByte(bytes.TrimSuffix(whole, []byte("\n")), '\n') + 1
		if last == len(whole) {
			return // nothing was written
		}
		cut := rapid.IntRange(last, len(whole)-1).Draw(t, "cut")
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		again, torn := opened(t, path)
		same(t, torn, before)
		if err := again.close(); err != nil {
			t.Fatal(err)
		}
		same(t, reread(t, path), before)
	})
}

// reread reads a journal and leaves it as it is.
func reread(t *rapid.T, path string) *ledger {
	l, err := readJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// obeys fails unless a payment may become another.
func obeys(t *rapid.T, from, to held) {
	switch {
	case to.Refunded < 0 || to.Refunded > to.Amount:
		t.Fatalf("%d of %d are given back", to.Refunded, to.Amount)
	case to.Refunded > 0 && to.Status != payments.Captured && to.Status != payments.Refunded:
		t.Fatalf("what is %s is given back", to.Status)
	case from.Version == 0:
		return // new
	case to.Version != from.Version+1 || to.Amount != from.Amount || to.Refunded < from.Refunded:
		t.Fatalf("from %+v to %+v", from, to)
	}
	switch from.Status {
	case payments.Authorised, payments.Pending:
		if to.Refunded > 0 {
			t.Fatalf("what is %s is given back", from.Status)
		}
	case payments.Declined, payments.Voided, payments.Refunded:
		t.Fatalf("what is %s became %s", from.Status, to.Status)
	}
}

func TestABrokenJournalIsNotTakenForAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, []byte("{}\nnonsense\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openJournal(path, time.Now()); err == nil {
		t.Fatal("it was read")
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "{}\nnonsense\n{}\n" {
		t.Errorf("it is %q now, %v", content, err)
	}
}

func TestOldAnswersAreForgottenAtTheNextStart(t *testing.T) {
	path, now := filepath.Join(t.TempDir(), "journal"), time.Now()
	j, _, err := openJournal(path, now)
	if err != nil {
		t.Fatal(err)
	}
	err = j.append([]entry{{Answer: &answer{Key: "old", At: now.Add(-keepAnswers - time.Second)}}, {Answer: &answer{Key: "young", At: now.Add(time.Second - keepAnswers)}}}, true)
	if err = errors.Join(err, j.close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		j, l, err := openJournal(path, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, young := l.answers["young"]; !young || len(l.answers) != 1 {
			t.Errorf("known are %v", l.answers)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
	}
}
