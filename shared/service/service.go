// Package service is what every process of a case has besides its purpose:
// JSON logs with trace ids, /healthz, /readyz and /metrics, spans, background
// work that is owned and waited for, and a graceful stop.
//
// A main reads its configuration, opens its adapters, and hands the rest over:
//
//	func main() { service.Main("api", run) }
//
//	func run(ctx context.Context, s *service.Service) error {
//		store, err := cassandra.Open(ctx, …)
//		…
//		s.OnClose(store.Close)
//		s.Ready("cassandra", store.Ping)
//		s.Go("follow changes", func(ctx context.Context) error { … })
//		return s.Serve(ctx, cfg.Listen, handler)
//	}
//
// On SIGTERM or SIGINT Serve stops accepting, lets running requests end, then
// ends the background work by its context, waits for it, and closes in
// reverse order of opening; all of that within StopWithin.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
)

// StopWithin is how long a process may take from the signal to its end.
const StopWithin = 10 * time.Second

// A Service is one process. Its methods are for the goroutine that builds it.
type Service struct {
	Name    string
	Log     *slog.Logger
	Metrics *prometheus.Registry
	// Before, if it is set, stands before the server: it may refuse connections.
	Before func(net.Listener) net.Listener

	checks  []check
	closers []func(context.Context) error
	work    *errgroup.Group
	workCtx context.Context
	endWork context.CancelCauseFunc

	addr     net.Addr
	serving  chan struct{} // closed once addr is set
	draining chan struct{} // closed when the stop begins
}

// New returns a service that logs to stderr. The context bounds everything
// that Go starts.
func New(ctx context.Context, name string) (*Service, error) {
	s := &Service{
		Name:     name,
		Log:      newLogger(name),
		Metrics:  prometheus.NewRegistry(),
		serving:  make(chan struct{}),
		draining: make(chan struct{}),
	}
	s.Metrics.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	stopTracing, err := startTracing(name)
	if err != nil {
		return nil, fmt.Errorf("start tracing: %w", err)
	}
	s.OnClose(stopTracing)
	workCtx, endWork := context.WithCancelCause(context.WithoutCancel(ctx))
	s.endWork = endWork
	s.work, s.workCtx = errgroup.WithContext(workCtx)
	return s, nil
}

// Main runs a process until a signal ends it. It exits 1 when build fails, or
// when the service ends for another reason than the signal.
func Main(name string, build func(ctx context.Context, s *Service) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := Run(ctx, name, build); err != nil {
		newLogger(name).Error("ended", "error", err.Error())
		os.Exit(1)
	}
}

// Run is Main for a test: it builds the service and returns when it has ended,
// nil after a graceful stop.
func Run(ctx context.Context, name string, build func(ctx context.Context, s *Service) error) error {
	s, err := New(ctx, name)
	if err != nil {
		return err
	}
	err = build(ctx, s)
	return errors.Join(err, s.stop())
}

// Ready adds a check to /readyz: the process asks for no traffic while it fails.
func (s *Service) Ready(name string, ping func(context.Context) error) {
	s.checks = append(s.checks, check{name, ping})
}

// OnClose runs fn when the service ends, after what was added later.
func (s *Service) OnClose(fn func(context.Context) error) {
	s.closers = append(s.closers, fn)
}

// Go runs background work that the service owns: it is ended by its context
// and waited for. An error other than the context's ends the whole service.
func (s *Service) Go(name string, fn func(context.Context) error) {
	s.work.Go(func() error {
		err := fn(s.workCtx)
		if err != nil && s.workCtx.Err() == nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// Serve listens on addr and serves handler, with the service's own routes
// beside it, until ctx ends or background work fails. It returns nil after a
// graceful stop; what background work and closing had to say, Run returns.
func (s *Service) Serve(ctx context.Context, addr string, handler http.Handler) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	s.addr = listener.Addr()
	close(s.serving)
	if s.Before != nil {
		listener = s.Before(listener)
	}

	server := &http.Server{
		Handler:           s.routes(handler),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
		// Requests end with the process, not with ctx: a request that is under
		// way at the signal is let finish. Streams end by watching Draining.
		BaseContext: func(net.Listener) context.Context { return s.workCtx },
	}
	s.Log.Info("serving", "address", listener.Addr().String())

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", addr, err)
	case <-s.workCtx.Done(): // background work failed: its error comes from stop
	case <-ctx.Done():
	}
	close(s.draining)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), StopWithin/3)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		s.Log.Warn("requests were cut off", "error", err.Error())
		_ = server.Close() // nothing more can be done for them
	}
	<-served
	return nil
}

// Draining is closed when the service begins to stop. A handler that streams
// ends then; others just finish.
func (s *Service) Draining() <-chan struct{} { return s.draining }

// Addr returns the address that Serve listens on, once it does.
func (s *Service) Addr(ctx context.Context) (net.Addr, error) {
	select {
	case <-s.serving:
		return s.addr, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// stop ends the background work and closes what was opened.
func (s *Service) stop() error {
	s.endWork(errors.New("the service stops"))
	err := s.work.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), StopWithin/2)
	defer cancel()
	for i := len(s.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, s.closers[i](ctx))
	}
	return err
}
