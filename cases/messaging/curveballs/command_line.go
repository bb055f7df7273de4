package curveballs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// A terminal is where people chat by the client's command line. The client is a module
// of its own under a licence of its own: it is run as a program, linked with nothing
// of ours.
type terminal struct {
	*site
	program, state string
}

// openTerminal starts the case with all that the client needs, and builds the client.
func openTerminal(ctx context.Context, t *curveball.Trial) (*terminal, error) {
	s, err := start(ctx, t, rig.Options{Only: []string{"keys", "media"}, Env: map[string]string{"ACCOUNTS_AN_HOUR": "1000"}})
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "terminal-")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func(context.Context) error { return os.RemoveAll(folder) })
	source := "client"
	if _, err := os.Stat(source); errors.Is(err, fs.ErrNotExist) {
		source = "../client" // of a test
	}
	term := &terminal{s, filepath.Join(folder, "chat"), filepath.Join(folder, "devices")}
	build := exec.CommandContext(ctx, "go", "build", "-o", term.program, "./cmd/chat")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the client: %w\n%s", err, out)
	}
	return term, nil
}

// types is a line typed on a device, and what it prints.
func (t *terminal) types(ctx context.Context, as, line string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	args := append([]string{"-state", t.state, "-gateway", t.Addr("gateway-1"), "-as", as}, strings.Fields(line)...)
	out, err := exec.CommandContext(ctx, t.program, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("chat -as %s %s: %w: %s", as, line, err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// all types lines one after the other: "ana: send bo hello".
func (t *terminal) all(ctx context.Context, lines ...string) error {
	for _, l := range lines {
		as, line, _ := strings.Cut(l, ": ")
		if _, err := t.types(ctx, as, line); err != nil {
			return err
		}
	}
	return nil
}

// reads waits until a device shows the words, or for as long as it may take, and
// returns what it shows then. What is sent is on its way for a moment.
func (t *terminal) reads(ctx context.Context, as, words string, within time.Duration) (string, error) {
	for end := time.Now().Add(within); ; {
		out, err := t.types(ctx, as, "read")
		if err != nil || strings.Contains(out, words) || time.Now().After(end) {
			return out, err
		}
		if err := t.trial.Wait(ctx, 200*time.Millisecond); err != nil {
			return "", err
		}
	}
}
