package logtest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"designkits/cases/messaging"
)

// race has owners that append without a pause, each until a newer one begins. A
// number is used once, so that the log tells what became of each append. Some end
// without knowing: those messages may be there, but whole and once.
func race(t *testing.T, open Open) {
	one, another := open(t)
	const owners = 6
	var next atomic.Int64
	var mu sync.Mutex
	acknowledged, refused := map[messaging.Seq]bool{}, map[messaging.Seq]bool{}
	pairs := map[messaging.Seq]messaging.Seq{} // appended together
	var all sync.WaitGroup
	for i := range owners {
		log := one
		if i%2 == 1 {
			log = another
		}
		mine := own(t, log, 0)
		enough := make(chan struct{})
		all.Go(func() {
			for n := 0; ; n++ {
				if n == 20 {
					close(enough) // the next owner begins while this one goes on
				}
				if i == owners-1 && n == 40 {
					return // nobody ends the last
				}
				seqs := []messaging.Seq{messaging.Seq(next.Add(1)), messaging.Seq(next.Add(1))}
				err := mine.Append(t.Context(), []messaging.Message{message(seqs[0]), message(seqs[1])})
				mu.Lock()
				pairs[seqs[0]], pairs[seqs[1]] = seqs[1], seqs[0]
				for _, seq := range seqs {
					acknowledged[seq], refused[seq] = err == nil, errors.Is(err, messaging.ErrFenced)
				}
				mu.Unlock()
				if err != nil {
					if n < 20 {
						close(enough)
					}
					if !errors.Is(err, messaging.ErrFenced) {
						t.Logf("owner %d doesn't know what became of its last messages: %v", i, err)
					}
					return
				}
			}
		})
		<-enough
	}
	all.Wait()
	count := map[messaging.Seq]int{}
	for _, seq := range unapplied(t, own(t, one, 0)) {
		count[seq]++
	}
	lost, forbidden := 0, 0
	halves := 0
	for seq, ok := range acknowledged {
		switch {
		case ok && count[seq] != 1:
			lost++
		case refused[seq] && count[seq] != 0:
			forbidden++
		case count[seq] != count[pairs[seq]] || count[seq] > 1:
			halves++
		}
	}
	if lost > 0 || forbidden > 0 || halves > 0 {
		t.Errorf("of %d messages %d were acknowledged and aren't there once, %d were refused and are there, %d are there in part or twice",
			len(acknowledged), lost, forbidden, halves)
	}
	if len(refused) == 0 || len(acknowledged) < owners*20 {
		t.Errorf("%d messages were appended: that is no race", len(acknowledged))
	}
}
