package main

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"designkits/shared/testenv"
)

func TestVariantsThatThereAreNotAreRefused(t *testing.T) {
	for name, value := range map[string]string{
		"LISTEN": "127.0.0.1:0", "PUBLIC_URL": "https://sho.rt", "REDIS": "-", "CASSANDRA": "-", "KAFKA": "-", "NAMESPACE": "x",
		"SPOOL": "-", "ANALYTICS": "http://127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	for _, c := range [][3]string{{"BREAKER", "maybe", "on nor off"}, {"REGION", "2", "REGION is 2 of 1"}} {
		t.Run(c[0], func(t *testing.T) {
			t.Setenv("CODE_KEY", "a key of the tests, of 32 bytes.") // reading takes it away
			t.Setenv(c[0], c[1])
			if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), c[2]) {
				t.Errorf("%v, want %q", err, c[2])
			}
		})
	}
	if _, err := (variants{Codes: "random"}).coder(nil); err == nil || !strings.Contains(err.Error(), "hashed") {
		t.Errorf("CODES=random: %v", err)
	}
}

func TestTheClockJumpsWhenToldAndBackWhenToldAgain(t *testing.T) {
	v := variants{ClockOffset: -time.Hour, ahead: new(atomic.Int64)}
	ctx, cancel := context.WithCancel(t.Context())
	var jumping sync.WaitGroup
	jump := v.jumps()
	jumping.Go(func() { _ = jump(ctx) }) // returns nil at ctx's end
	defer jumping.Wait()
	defer cancel()
	for _, behind := range []bool{false, true, false} {
		testenv.Eventually(t, 20*time.Second, "the clock jumps", func() bool { return (time.Since(v.clock()) > 30*time.Minute) == behind })
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
	}
}
