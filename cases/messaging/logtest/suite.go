// Package logtest is the contract of messaging.Log as tests, which every
// implementation runs against its real server.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"designkits/cases/messaging"
)

// Open returns a Log on an empty place, twice: as two processes have it.
type Open func(t *testing.T) (one, another messaging.Log)

// Run tests a Log.
func Run(t *testing.T, open Open) {
	t.Run("an empty log has nothing to apply", func(t *testing.T) {
		one, _ := open(t)
		if got := unapplied(t, own(t, one, 0)); len(got) > 0 {
			t.Errorf("it has %v", got)
		}
	})
	t.Run("what is appended is found by the next owner, until it is applied", func(t *testing.T) { found(t, open) })
	t.Run("a partition has its own messages", func(t *testing.T) {
		one, _ := open(t)
		add(t, own(t, one, 3), 1)
		if got := unapplied(t, own(t, one, 4)); len(got) > 0 {
			t.Errorf("partition 4 has %v of partition 3", got)
		}
	})
	t.Run("what was handed over and not applied comes again", func(t *testing.T) { again(t, open) })
	t.Run("a newer owner ends the older", func(t *testing.T) { newer(t, open) })
	t.Run("what was acknowledged is there and what was refused isn't, however owners follow each other", func(t *testing.T) { race(t, open) })
	t.Run("the end of the context ends the call", func(t *testing.T) { ended(t, open) })
}

func found(t *testing.T, open Open) {
	one, another := open(t)
	first := own(t, one, 0)
	add(t, first, 1, 2, 3)
	add(t, first, 4)
	add(t, first, 5, 6)
	if err := first.Applied(t.Context(), message(4)); err != nil {
		t.Fatal(err)
	}
	second := own(t, another, 0)
	if got := unapplied(t, second); !slices.Equal(got, []messaging.Seq{5, 6}) {
		t.Errorf("the next owner found %v, want 5 and 6", got)
	}
	add(t, second, 7)
	if err := second.Applied(t.Context(), message(7)); err != nil {
		t.Fatal(err)
	}
	third := own(t, one, 0)
	if got := unapplied(t, third); len(got) > 0 {
		t.Errorf("all is applied, and the one after it found %v", got)
	}
	// More than comes in one batch, and as large as they may be.
	for seq := messaging.Seq(8); seq < 500; seq += 41 {
		var many []messaging.Seq
		for s := seq; s < min(seq+41, 500); s++ {
			many = append(many, s)
		}
		add(t, third, many...)
	}
	got := unapplied(t, own(t, another, 0))
	if len(got) != 492 || !slices.IsSorted(got) || got[0] != 8 || got[491] != 499 {
		t.Errorf("of 492 messages %d came: %v", len(got), got)
	}
}

func again(t *testing.T, open Open) {
	one, another := open(t)
	add(t, own(t, one, 0), 1, 2)
	away := errors.New("the store is away")
	err := own(t, one, 0).Unapplied(t.Context(), func(context.Context, []messaging.Message) error { return away })
	if !errors.Is(err, away) {
		t.Errorf("it returned %v, want the error of applying", err)
	}
	if got := unapplied(t, own(t, another, 0)); !slices.Equal(got, []messaging.Seq{1, 2}) {
		t.Errorf("%v came again, want 1 and 2", got)
	}
	if got := unapplied(t, own(t, one, 0)); len(got) > 0 {
		t.Errorf("%v came after it was applied", got)
	}
}

func newer(t *testing.T, open Open) {
	one, another := open(t)
	older := own(t, one, 0)
	add(t, older, 1)
	newer := own(t, another, 0)
	for range 2 {
		if err := older.Append(t.Context(), []messaging.Message{message(2)}); !errors.Is(err, messaging.ErrFenced) {
			t.Fatalf("the older one's append: %v, want ErrFenced", err)
		}
	}
	add(t, newer, 3)
	if got := unapplied(t, own(t, one, 0)); !slices.Equal(got, []messaging.Seq{1, 3}) {
		t.Errorf("the log has %v, want 1 and 3", got)
	}
}

func ended(t *testing.T, open Open) {
	one, _ := open(t)
	mine := own(t, one, 0)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := one.Own(over, 1); err == nil {
		t.Error("a partition was owned")
	}
	if err := mine.Append(over, []messaging.Message{message(1)}); err == nil {
		t.Error("a message was appended")
	}
	if err := mine.Append(t.Context(), []messaging.Message{message(2)}); err == nil {
		t.Error("an owner that doesn't know what is in the log went on")
	}
}

func own(t *testing.T, log messaging.Log, p messaging.Partition) messaging.OwnedLog {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	owned, err := log.Own(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owned.Close() })
	return owned
}

func add(t *testing.T, log messaging.OwnedLog, seqs ...messaging.Seq) {
	t.Helper()
	var messages []messaging.Message
	for _, seq := range seqs {
		messages = append(messages, message(seq))
	}
	if err := log.Append(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// unapplied applies what there is, checks that it is whole, and returns its numbers.
func unapplied(t *testing.T, log messaging.OwnedLog) (seqs []messaging.Seq) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := log.Unapplied(ctx, func(_ context.Context, messages []messaging.Message) error {
		for _, m := range messages {
			if want := message(m.Seq); fmt.Sprint(m) != fmt.Sprint(want) {
				t.Errorf("message %d came as %v, want %v", m.Seq, m, want)
			}
			seqs = append(seqs, m.Seq)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

// message is the one of a number; those of equal numbers are equal.
func message(seq messaging.Seq) messaging.Message {
	ana, bo := messaging.UserID("u00000000000000a1"), messaging.UserID("u00000000000000b2")
	return messaging.Message{
		Draft: messaging.Draft{
			Conversation: messaging.DirectID(ana, bo), ID: messaging.MessageID(fmt.Sprintf("m%015d", seq)), Kind: messaging.Posted,
			Sender: messaging.Address{User: ana, Device: 1},
			Body:   messaging.Body{To: map[messaging.Address][]byte{{User: bo, Device: 2}: []byte("not to be read by anybody else")}},
		},
		Seq: seq, At: time.UnixMilli(1_700_000_000_000 + int64(seq)).UTC(),
	}
}
