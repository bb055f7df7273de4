package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"designkits/cases/tickets"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

// binary is the worker, built.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "worker-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(folder, "worker")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the worker: %v\n%s", err, out))
	}
	leaktest.Main(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(folder)
		os.Exit(code)
	}))
}

func TestEveryOrderEndsThoughWorkersAreKilledAtEachStep(t *testing.T) {
	var places []string
	for _, s := range []tickets.OrderState{tickets.Placed, tickets.Authorised, tickets.Confirmed, tickets.Captured, tickets.Voiding, tickets.Refunding, tickets.Releasing} {
		places = append(places, string(s), string(s)+" written")
	}
	places = append(places, "sent", "told")
	for _, mode := range []string{"orchestration", "choreography"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			h := openHall(t, "SAGA="+mode)
			for round, place := range places {
				h.some(round)
				cmd, exited := h.worker(place)
				testenv.Eventually(t, 3*time.Minute, "the worker dies: "+place, func() bool {
					h.look()
					select {
					case <-exited:
						return true
					default:
						return false
					}
				})
				if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
					t.Fatalf("the worker ended by itself: %s", cmd.ProcessState)
				}
			}
			cmd, exited := h.worker("")
			testenv.Eventually(t, 4*time.Minute, "all orders have ended", h.look)
			testenv.Eventually(t, 2*time.Minute, "all fans are told", func() bool { return h.untold(true) == "" })
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-exited
			if !cmd.ProcessState.Success() {
				t.Errorf("the last one ended %s", cmd.ProcessState)
			}
			h.audit()
		})
	}
}

func TestSettingsThatCantBe(t *testing.T) {
	for _, wrong := range []string{"SAGA=hope", "LEASE=1ms", "AT_ONCE=0", "DIE_AT=never", "CLAIMS=luck"} {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Env = append(os.Environ(), "LISTEN=127.0.0.1:0", "WORKER=one", "POSTGRES="+testenv.Addr(t, "postgres"), "REDIS=127.0.0.1:1", "KAFKA=127.0.0.1:1",
			"NAMESPACE="+testenv.Namespace(t), "PROVIDER=http://127.0.0.1:1", "PROVIDER_KEY=k", wrong)
		out, err := cmd.CombinedOutput()
		name, value, _ := strings.Cut(wrong, "=")
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !strings.Contains(string(out), name) && !strings.Contains(string(out), value) {
			t.Errorf("%s: %v\n%s", wrong, err, out)
		}
	}
}
