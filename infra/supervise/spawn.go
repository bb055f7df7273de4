package supervise

import (
	"os/exec"
	"runtime"
)

// A spawner starts children from one operating-system thread that lives as
// long as the spawner: Linux delivers Pdeathsig when the thread that forked
// ends, not when the process does, and the Go runtime ends threads at will.
type spawner struct {
	requests chan spawnRequest
	ended    chan struct{}
}

type spawnRequest struct {
	cmd    *exec.Cmd
	result chan error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		// Never unlocked: the thread ends with this goroutine.
		runtime.LockOSThread()
		for r := range s.requests {
			r.result <- r.cmd.Start()
		}
	}()
	return s
}

// start starts the command. It must not be called after close.
func (s *spawner) start(cmd *exec.Cmd) error {
	r := spawnRequest{cmd, make(chan error, 1)}
	s.requests <- r
	return <-r.result
}

// close ends the thread, and with it any child still alive.
func (s *spawner) close() {
	close(s.requests)
	<-s.ended
}
