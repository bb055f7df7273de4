// Command echo is the gateway's connection layer without the gateway: it sends
// back at /echo what it gets. It serves on LISTEN.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"designkits/cases/messaging/adapters/websocket"
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
	connections, err := websocket.New(websocket.Config{Resume: []byte(`{"type":"resume"}`)})
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	defer connections.Close()
	mux := http.NewServeMux()
	mux.Handle("/echo", connections.Handler(func(http.ResponseWriter, *http.Request) websocket.Session { return websocket.Echo{} }))
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // it ends with the program either way
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("echo: %w", err)
	}
	return nil
}
