package wire_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// A frame that is written is read as the same.
func TestFramesComeBackAsTheyWere(t *testing.T) {
	ana := messaging.Address{User: "u0123456789abcdef", Device: 2}
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, frame := range []any{
		wire.Resume{}, wire.Members{Ref: "3", Conversation: "c0123456789abcdef", After: ana.User}, wire.Typing{Conversation: "c0123456789abcdef", On: true}, wire.Watch{Users: []messaging.UserID{ana.User}},
		wire.Send{Ref: "1", Conversation: "c0123456789abcdef", ID: "0123456789abcdef", Kind: messaging.Posted,
			Body: messaging.Body{Shared: []byte{1}, To: map[messaging.Address][]byte{ana: {2, 3}}}},
		wire.Ack{Conversation: "c0123456789abcdef", Seq: 7, Read: true}, wire.History{Ref: "2", Conversation: "c0123456789abcdef", From: 1, To: 9},
	} {
		got, err := wire.Up(wire.Encode(frame))
		if err != nil || !reflect.DeepEqual(reflect.ValueOf(got).Elem().Interface(), frame) {
			t.Errorf("%T %+v came back as %+v, %v", frame, frame, got, err)
		}
	}
	for _, frame := range []any{
		wire.Welcome{Device: ana, Gateway: "gateway-1", Resume: "x"}, wire.Sent{Ref: "1", Seq: 3, At: at}, wire.Lagging{}, wire.Current{},
		wire.Message{Message: messaging.Message{Draft: messaging.Draft{Conversation: "c0123456789abcdef", Sender: ana, Kind: messaging.Posted}, Seq: 4, At: at}},
		wire.Notice{Seq: 5}, wire.Roster{Ref: "3", Members: []wire.RosterMember{{User: ana.User, Role: messaging.Admin, Since: 1}}, More: true}, wire.Page{Ref: "2", Messages: []messaging.Message{{Draft: messaging.Draft{Sender: ana}, Seq: 1}}}, wire.Receipt{Receipt: messaging.Receipt{Device: ana, Read: 4}},
		wire.TypingBy{By: ana.User}, wire.Presence{User: ana.User, LastSeen: at}, wire.Move{After: time.Second}, wire.Error{Kind: "busy", Again: true},
	} {
		got, err := wire.Down(wire.Encode(frame))
		if err != nil || !sameJSON(got, frame) {
			t.Errorf("%T %+v came back as %+v, %v", frame, frame, got, err)
		}
	}
}

func sameJSON(got, frame any) bool {
	return string(wire.Encode(reflect.ValueOf(got).Elem().Interface())) == string(wire.Encode(frame))
}

func TestWhatIsNoFrameIsRefused(t *testing.T) {
	for _, data := range []string{``, `{`, `[]`, `{}`, `{"type":"welcome"}`, `{"type":7}`, `{"type":"send","body":{"to":{"x":"AA=="}}}`, `{"type":"ack","seq":"1"}`, `{"type":"ack"`, `{"type":"ack`, `{"type":"ack"}{`, `null`} {
		var invalid *messaging.Invalid
		if frame, err := wire.Up([]byte(data)); !errors.As(err, &invalid) {
			t.Errorf("%s: %v, %v", data, frame, err)
		}
	}
}

// A frame is the same wherever its type stands, and however it is written.
func TestTheTypeMayStandAnywhere(t *testing.T) {
	want := wire.Ack{Conversation: "c0123456789abcdef", Seq: 7}
	for _, data := range []string{
		`{"type":"ack","conversation":"c0123456789abcdef","seq":7}`,
		`{"conversation":"c0123456789abcdef","seq":7,"type":"ack"}`,
		` { "type" : "ack", "conversation":"c0123456789abcdef","seq":7}`,
		`{"type":"a\u0063k","conversation":"c0123456789abcdef","seq":7}`,
	} {
		frame, err := wire.Up([]byte(data))
		if got, ok := frame.(*wire.Ack); !ok || *got != want {
			t.Errorf("%s: %+v, %v", data, frame, err)
		}
	}
}
