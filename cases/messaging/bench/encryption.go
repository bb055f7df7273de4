package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strconv"

	harness "designkits/shared/bench"
)

var encryption = harness.Bench{
	Name:  "encryption",
	About: "a message of 1 KiB encrypted and decrypted by the client, against AES-256-GCM with a key that both have",
	Run: func(ctx context.Context, r *harness.Run) error {
		took, err := clientBenchmarks(ctx, r)
		if err != nil {
			return err
		}
		for _, row := range []struct{ name, benchmark, note string }{
			{"encryption", "Message/1024", "each message answers the one before, so that each turns the ratchet: a new key agreement"},
			{"encryption-one-way", "OneWay", "several in a row from one side: the chain's next key"},
			{"encryption-group", "Group/1024", "by a sender key, signed; encrypted once for all members"},
		} {
			bare, ours := took["Bare/1024"], took[row.benchmark]
			if bare == 0 || ours == 0 {
				return fmt.Errorf("encryption: the client's benchmarks have no %s or no Bare/1024; they have %v", row.benchmark, took)
			}
			r.Report(harness.Result{Name: row.name, Unit: "µs", Value: ours / 1000, Baseline: bare / 1000, Note: row.note}, harness.None)
		}
		return nil
	},
}

var benchmarked = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`)

// clientBenchmarks runs those of the client, which is a module of its own under a
// licence of its own: as a program, linked with nothing of ours. It returns the
// nanoseconds of each.
func clientBenchmarks(ctx context.Context, r *harness.Run) (map[string]float64, error) {
	folder := "client"
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		folder = "../client" // of a test
	}
	long := "2s"
	if r.Quick {
		long = "10x"
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(Message|OneWay|Group|Bare)$", "-benchtime", long, "./e2e")
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("the client's benchmarks: %w\n%s", err, out)
	}
	took := map[string]float64{}
	for _, match := range benchmarked.FindAllStringSubmatch(string(out), -1) {
		if took[match[1]], err = strconv.ParseFloat(match[2], 64); err != nil {
			return nil, fmt.Errorf("the client's benchmarks: %w", err)
		}
	}
	return took, nil
}
