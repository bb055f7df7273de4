// Package storetest is the contract of the messenger's stores as tests. Every
// adapter runs them against its real server; what they demand is what the
// interfaces' comments promise.
//
// They share one store with whatever else is in it: each test uses people and
// conversations of its own. Where exactly one of many must win, two stores are
// opened on the same data, as two processes would.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"designkits/cases/messaging"
)

// testContext ends what a test does before the test's own time is over.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, wanted %v", what, got, want)
	}
}

func wantEqual(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got\n%+v, wanted\n%+v", what, got, want)
	}
}

// together calls from many goroutines at the same moment and returns their
// errors.
func together(callers int, call func(i int) error) []error {
	errs := make([]error, callers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// wantEnd makes sure that a call with a context that has ended fails with its
// error.
func wantEnd(t *testing.T, call func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "a call whose context has ended", call(ctx), context.Canceled)
}

// isInvalid reports whether the error is the caller's.
func isInvalid(err error) bool {
	var invalid *messaging.Invalid
	return errors.As(err, &invalid)
}

func newDevice() messaging.Address {
	return messaging.Address{User: messaging.NewUserID(), Device: 1}
}

func newGroup() messaging.ConversationID { return messaging.NewConversationID(messaging.Group) }

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// message is number seq of a conversation, with bodies for all and for one.
func message(c messaging.ConversationID, seq messaging.Seq, from, to messaging.Address) messaging.Message {
	return messaging.Message{
		Draft: messaging.Draft{
			Conversation: c, ID: messaging.MessageID(fmt.Sprintf("message-%08d", seq)), Sender: from, Kind: messaging.Posted,
			Body: messaging.Body{
				Shared: fmt.Appendf(nil, "for all of %s/%d", c, seq),
				To:     map[messaging.Address][]byte{to: fmt.Appendf(nil, "for %s, %d", to, seq)},
			},
		},
		Seq: seq, At: now(),
	}
}

// messages are those from one number to another.
func messages(c messaging.ConversationID, from, to messaging.Seq) (all []messaging.Message) {
	sender, receiver := newDevice(), newDevice()
	for seq := from; seq <= to; seq++ {
		all = append(all, message(c, seq, sender, receiver))
	}
	return all
}

func numbers(messages []messaging.Message) (all []messaging.Seq) {
	for _, m := range messages {
		all = append(all, m.Seq)
	}
	return all
}
