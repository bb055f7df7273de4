// Package control lets one kit command reach the supervisor that another one
// runs: JSON over HTTP over a unix socket that only its owner can open.
//
// The part that tests, demos and experiments use, and its types, are package
// shared/fault; this package adds starting and stopping. Whoever starts
// something and holds on to it has it stopped again when it lets go, also when
// that is because it was killed.
package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"

	"designkits/infra/supervise"
)

// A Record is where a state folder's supervisor can be reached.
type Record struct {
	Pid    int    `json:"pid"`
	Start  uint64 `json:"start"` // tells the process from a later one of its number
	Socket string `json:"socket"`
	Mode   string `json:"mode"` // the command: "run", "up", "test"
	Offset int    `json:"offset"`
	Engine string `json:"engine"`
}

// ErrNone is that no supervisor runs in a state folder.
var ErrNone = errors.New("nothing is running in this checkout; `kit run CASE` or `kit up` starts something")

// Find returns the record of the supervisor that runs in the state folder.
func Find(state string) (Record, error) {
	raw, err := os.ReadFile(recordPath(state))
	if errors.Is(err, os.ErrNotExist) {
		return Record{}, ErrNone
	}
	if err != nil {
		return Record{}, fmt.Errorf("look for a running kit: %w", err)
	}
	var r Record
	if json.Unmarshal(raw, &r) != nil || !supervise.Alive(r.Pid, r.Start) {
		return Record{}, ErrNone
	}
	return r, nil
}

func recordPath(state string) string { return filepath.Join(state, "supervisor.json") }

func writeRecord(state string, r Record) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("record the control socket: %w", err)
	}
	// Renamed into place: who reads it meanwhile gets all of it or none.
	part := recordPath(state) + ".part"
	if err := os.WriteFile(part, raw, 0o600); err != nil {
		return fmt.Errorf("record the control socket: %w", err)
	}
	if err := os.Rename(part, recordPath(state)); err != nil {
		return fmt.Errorf("record the control socket: %w", err)
	}
	return nil
}

// SocketPath is the control socket of a state folder. It stands in the
// temporary folder because a unix socket's path has at most 108 bytes.
func SocketPath(state string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(state))
	return filepath.Join(os.TempDir(), fmt.Sprintf("kit-%d", os.Getuid()), fmt.Sprintf("%x.sock", hash.Sum64()))
}
