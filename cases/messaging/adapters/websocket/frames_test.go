package websocket_test

import (
	"fmt"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"designkits/cases/messaging/adapters/websocket"
)

func TestTextGoesToTheSessionAndBack(t *testing.T) {
	s := newScene(t, websocket.Config{}, echoes)
	c := s.dial()
	for n := range 100 {
		want := fmt.Sprintf("message %d, ünïcode ✓", n)
		if err := c.WriteMessage(gorilla.TextMessage, []byte(want)); err != nil {
			t.Fatal(err)
		}
		kind, got, err := c.ReadMessage()
		if err != nil || kind != gorilla.TextMessage || string(got) != want {
			t.Fatalf("%d, %q, %v, want %q", kind, got, err, want)
		}
	}
}
