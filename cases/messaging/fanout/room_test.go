package fanout

import (
	"testing"
	"time"

	"designkits/cases/messaging"
)

// Where nothing is settled for long there is an end to what is open, and to what is pushed.
func TestWhatIsNotSettledHasAnEnd(t *testing.T) {
	o := open{items: map[messaging.ConversationID][]*item{}}
	m := messaging.Message{Draft: messaging.Draft{Conversation: "c"}, Seq: 1}
	left := make([]messaging.Item, maxOpen)
	for i := range left {
		left[i].Message = m
	}
	if ok, err := o.room(); !ok || err != nil {
		t.Errorf("nothing is open: %v, %v", ok, err)
	}
	o.add([]messaging.Message{m}, left, time.Now())
	if ok, err := o.room(); ok || err != nil {
		t.Errorf("%d items are open: %v, %v", o.count, ok, err)
	}
	o.add(make([]messaging.Message, maxPushed), nil, time.Now())
	if _, err := o.room(); err == nil {
		t.Errorf("%d messages are pushed, and more may be", len(o.queue))
	}
	o.written(left)
	if last := o.settled(); last == nil || o.count != 0 {
		t.Errorf("all is written, and %d items are open", o.count)
	}
	if ok, err := o.room(); !ok || err != nil {
		t.Errorf("all is settled: %v, %v", ok, err)
	}
}
