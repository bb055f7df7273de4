package engine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"designkits/infra/provision"
)

// Choose returns the engine that is wanted: "native", "docker", or "" for
// docker where an engine answers and native elsewhere.
func Choose(ctx context.Context, want string, place Place) (Engine, error) {
	switch want {
	case "native":
		return Native{place}, nil
	case "docker":
		if err := dockerAnswers(ctx); err != nil {
			return nil, &provision.Missing{Kind: ErrNoDocker, What: "no Docker engine answers",
				Do: "start it, or use --engine native", Detail: err}
		}
		return Docker{place}, nil
	case "":
		if dockerAnswers(ctx) == nil {
			return Docker{place}, nil
		}
		return Native{place}, nil
	}
	return nil, &UnknownEngine{want}
}

// ErrNoDocker is the kind of a Missing.
var ErrNoDocker = errors.New("no Docker engine")

// An UnknownEngine is a name that no engine has.
type UnknownEngine struct{ Name string }

func (e *UnknownEngine) Error() string {
	return fmt.Sprintf("there is no engine %q; there are: docker, native", e.Name)
}

// DockerAnswer says for a person whether a Docker engine can be used.
func DockerAnswer(ctx context.Context) string {
	if err := dockerAnswers(ctx); err != nil {
		return "not used: " + err.Error()
	}
	return "answers"
}

// dockerWithin is how long an engine may take to answer; one that is slower is
// not there, or not well.
const dockerWithin = 2 * time.Second

func dockerAnswers(ctx context.Context) error {
	if _, err := exec.LookPath("docker"); err != nil {
		return errors.New("there is no docker on PATH")
	}
	ctx, cancel := context.WithTimeout(ctx, dockerWithin)
	defer cancel()
	for _, args := range [][]string{{"info", "--format", "{{.ServerVersion}}"}, {"compose", "version"}} {
		cmd := exec.CommandContext(ctx, "docker", args...)
		cmd.WaitDelay = time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}
