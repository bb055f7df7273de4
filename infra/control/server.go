package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"designkits/infra/launch"
	"designkits/infra/supervise"
	"designkits/shared/fault"
)

// A Server answers on the control socket of one Launcher.
type Server struct {
	launcher *launch.Launcher
	http     *http.Server
	served   chan error
	done     chan struct{} // closed when somebody has asked for everything to stop
	doneOnce sync.Once

	drops drops

	mu       sync.Mutex
	sessions map[string]*session
	next     int
}

// A session is one held start.
type session struct {
	release chan struct{} // closed: let go
	now     chan struct{} // closed: at once
	once    [2]sync.Once
}

// Serve opens the socket and records it in the state folder. The caller holds
// the folder through the Launcher, so an old socket is nobody's.
func Serve(l *launch.Launcher, mode string) (*Server, error) {
	socket := SocketPath(l.State)
	if err := privateFolder(filepath.Dir(socket)); err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	s := &Server{launcher: l, served: make(chan error, 1), done: make(chan struct{}), drops: newDrops(l.DropRunning), sessions: map[string]*session{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.status)
	sup := l.Supervisor()
	mux.HandleFunc("POST /v1/kill", target(sup.Kill))
	mux.HandleFunc("POST /v1/pause", target(sup.Pause))
	mux.HandleFunc("POST /v1/resume", target(sup.Resume))
	mux.HandleFunc("POST /v1/restart", target(func(ctx context.Context, name string) error { return sup.Restart(ctx, name) }))
	mux.HandleFunc("POST /v1/start", s.start)
	mux.HandleFunc("POST /v1/release", body(s.release))
	mux.HandleFunc("POST /v1/stop", body(s.stop))
	mux.HandleFunc("POST /v1/seeded", body(s.seeded))
	mux.HandleFunc("POST /v1/reset", body(s.reset))
	mux.HandleFunc("POST /v1/drop", body(s.drops.add))
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { s.served <- s.http.Serve(listener) }()
	l.Control = socket

	start, err := supervise.StartTime(os.Getpid())
	if err == nil {
		err = writeRecord(l.State, Record{Pid: os.Getpid(), Start: start, Socket: socket, Mode: mode,
			Offset: l.Offset, Engine: l.Engine.Name()})
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(context.Background()))
	}
	return s, nil
}

// privateFolder makes a folder that only we can enter, or makes sure that it
// is one: the temporary folder is everybody's.
func privateFolder(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm() != 0o700 || !ok || int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a folder of ours alone (mode 0700); remove it, or set TMPDIR to another folder", path)
	}
	return nil
}

// Done is closed when a client has asked for everything to stop.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close lets every session go, waits for the answers under way until ctx ends,
// gives up what is still to be dropped, and removes the socket.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	for _, held := range s.sessions {
		held.letGo(false)
	}
	s.mu.Unlock()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	s.drops.end()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	_ = os.Remove(recordPath(s.launcher.State))
	return err
}

func (s *Server) status(w http.ResponseWriter, _ *http.Request) {
	list := []fault.Status{}
	for _, st := range s.launcher.Supervisor().Status() {
		list = append(list, fault.Status{Name: st.Name, Kind: st.Kind, State: string(st.State), Address: st.Address,
			Pid: st.Pid, RSS: st.RSS, Uptime: st.Uptime.Seconds(), Log: st.Log})
	}
	answer(w, list)
}

// target serves a call about one process or group.
func target(do func(context.Context, string) error) http.HandlerFunc {
	return body(func(ctx context.Context, t fault.Target) (any, error) {
		if t.Name == "" {
			return nil, &supervise.UnknownName{Name: t.Name}
		}
		return struct{}{}, do(ctx, t.Name)
	})
}

// body serves a call with a JSON body and a JSON answer.
func body[T any](do func(context.Context, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
			refuse(w, http.StatusBadRequest, fmt.Errorf("%s: %w", r.URL.Path, err))
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			refuse(w, statusOf(err), err)
			return
		}
		answer(w, out)
	}
}

func statusOf(err error) int {
	var (
		unknown    *supervise.UnknownName
		notRunning *supervise.NotRunning
	)
	switch {
	case errors.As(err, &unknown):
		return http.StatusNotFound
	case errors.As(err, &notRunning):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that is gone needs none
}

func refuse(w http.ResponseWriter, code int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(fault.Refusal{Reason: err.Error()})
}

func (s *Server) stop(ctx context.Context, r stopRequest) (any, error) {
	// Who asked may go away; the stop goes on.
	ctx = context.WithoutCancel(ctx)
	if err := s.launcher.Stop(ctx, r.Names...); err != nil {
		return nil, err
	}
	if len(r.Names) == 0 {
		s.doneOnce.Do(func() { close(s.done) })
	}
	return struct{}{}, nil
}

func (s *Server) seeded(_ context.Context, r seededRequest) (any, error) {
	return struct{}{}, s.launcher.MarkSeeded(r.Case)
}

func (s *Server) reset(ctx context.Context, r resetRequest) (any, error) {
	if r.Case != "" {
		if err := s.launcher.Drop(ctx, r.Case, r.Case); err != nil {
			return nil, err
		}
		return resetAnswer{Done: r.Case + ": everything it stored in its backends was removed"}, nil
	}
	found, err := s.launcher.Backends([]string{r.Backend})
	if err != nil {
		return nil, err
	}
	done, err := s.launcher.Wipe(ctx, found[0])
	return resetAnswer{Done: done}, err
}

func (s *Server) release(_ context.Context, r releaseRequest) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.sessions[r.Session]
	if held == nil {
		return nil, fmt.Errorf("release: there is no session %q", r.Session)
	}
	held.letGo(r.Now)
	return struct{}{}, nil
}

func (held *session) letGo(now bool) {
	held.once[0].Do(func() { close(held.release) })
	if now {
		held.once[1].Do(func() { close(held.now) })
	}
}

func (s *Server) open() (string, *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id := strconv.Itoa(s.next)
	held := &session{release: make(chan struct{}), now: make(chan struct{})}
	s.sessions[id] = held
	return id, held
}

func (s *Server) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, id)
}
