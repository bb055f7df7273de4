// Command bare is what the benches measure the gateway against: the least that a
// Go program can do for the same, with the same libraries, and nothing else. It
// serves on LISTEN:
//
//	/echo    sends back what it gets, as gorilla's examples do: the default
//	         upgrader, a goroutine that reads and one that writes
//	/tuned   the same with small and shared buffers, and one goroutine
//	/chat    with CASSANDRA and NAMESPACE: inserts each message into a table and
//	         sends it on to the client it names, see chat.go
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/gorilla/websocket"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", twoGoroutines)
	mux.HandleFunc("/tuned", oneGoroutine)
	if hosts := os.Getenv("CASSANDRA"); hosts != "" {
		c, err := openChat(ctx, hosts, os.Getenv("NAMESPACE"))
		if err != nil {
			return err
		}
		defer c.session.Close()
		mux.HandleFunc("/chat", c.serve)
	}
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // it ends with the program either way
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("bare: %w", err)
	}
	return nil
}

var upgrader websocket.Upgrader

func twoGoroutines(w http.ResponseWriter, r *http.Request) {
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer c.Close()
	send := make(chan []byte, 16)
	go func() {
		for text := range send {
			if c.WriteMessage(websocket.TextMessage, text) != nil {
				_ = c.Close() // which ends the reader
			}
		}
	}()
	defer close(send)
	for {
		_, text, err := c.ReadMessage()
		if err != nil {
			return
		}
		send <- text
	}
}

var (
	buffers sync.Pool
	small   = websocket.Upgrader{ReadBufferSize: 256, WriteBufferSize: 1024, WriteBufferPool: &buffers}
)

// oneGoroutine is not that of the request, which would keep what the request
// had: its stack and its buffers.
func oneGoroutine(w http.ResponseWriter, r *http.Request) {
	c, err := small.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	go func() {
		defer c.Close()
		for {
			_, text, err := c.ReadMessage()
			if err != nil || c.WriteMessage(websocket.TextMessage, text) != nil {
				return
			}
		}
	}()
}
