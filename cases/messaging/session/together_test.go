package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"designkits/cases/messaging"
)

// slowHistory answers when it may.
type slowHistory struct {
	messaging.History
	may chan struct{}
	err error
}

func (h *slowHistory) Range(_ context.Context, c messaging.ConversationID, from, _ messaging.Seq, _ int) ([]messaging.Message, error) {
	<-h.may
	return []messaging.Message{{Draft: messaging.Draft{Conversation: c}, Seq: from}}, h.err
}

func TestWhoReadsTheSamePageAtTheSameTimeReadsItOnce(t *testing.T) {
	for name, c := range map[string]struct {
		alone bool
		err   error
		want  int64
	}{
		"together":            {want: 3},
		"alone":               {alone: true, want: 30},
		"the store is broken": {err: errors.New("away"), want: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				below := &slowHistory{may: make(chan struct{}), err: c.err}
				h := &Together{History: below, Alone: c.alone}
				var all sync.WaitGroup
				for i := range 30 {
					from := messaging.Seq(1 + i%3) // three different pages
					all.Go(func() {
						got, err := h.Range(t.Context(), "g0123456789abcdef", from, 9, 100)
						if !errors.Is(err, c.err) || err == nil && (len(got) != 1 || got[0].Seq != from) {
							t.Errorf("from %d: %v, %v", from, got, err)
						}
					})
				}
				impatient, cancel := context.WithCancel(t.Context())
				all.Go(func() {
					if _, err := h.Range(impatient, "g0123456789abcdef", 1, 9, 100); !c.alone && !errors.Is(err, context.Canceled) {
						t.Errorf("%v, want the end of the context", err)
					}
				})
				synctest.Wait()
				cancel()
				synctest.Wait()
				close(below.may)
				all.Wait()
				if got := h.Reads.Load(); got != c.want && !c.alone || c.alone && got != c.want+1 {
					t.Error(fmt.Sprint(got, " reads, want ", c.want))
				}
			})
		})
	}
}
