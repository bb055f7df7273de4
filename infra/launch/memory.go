package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"designkits/infra/backend"
	"designkits/infra/provision"
)

// ErrMemory is the kind of a Missing when the backends don't fit.
var ErrMemory = errors.New("not enough memory")

// MemoryFree is how much memory new processes can have, in bytes; 0 when that
// can't be told.
func MemoryFree() int64 {
	free := int64(0)
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemAvailable:" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			free = kb << 10
		}
	}
	// A container's own limit; its page cache can be given back.
	limit, used, cached := cgroup("memory.max"), cgroup("memory.current"), cgroupStat("inactive_file")
	if limit > 0 {
		free = min(free, limit-used+cached)
	}
	return free
}

func cgroup(file string) int64 {
	raw, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", file))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64) // "max" is no limit
	return n
}

func cgroupStat(key string) int64 {
	raw, _ := os.ReadFile("/sys/fs/cgroup/memory.stat")
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == key {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n
		}
	}
	return 0
}

// budget says what the backends take and refuses when that is more than free.
func budget(backends []backend.Backend, free int64) (string, error) {
	var parts []string
	var sum int64
	for _, b := range backends {
		parts = append(parts, fmt.Sprintf("%s %s", b.Name, MB(b.Memory)))
		sum += b.Memory
	}
	text := fmt.Sprintf("memory: %s for %s", MB(sum), strings.Join(parts, ", "))
	if free == 0 {
		return text, nil
	}
	text += fmt.Sprintf("; %s is free", MB(free))
	if sum > free {
		return text, &provision.Missing{
			Kind: ErrMemory, What: text,
			Do: "end other programs (`kit down` if a case still runs), or give the machine or container more memory",
		}
	}
	return text, nil
}

// MB writes bytes as a person reads memory.
func MB(bytes int64) string {
	if bytes >= 10<<30 {
		return fmt.Sprintf("%.1f GB", float64(bytes)/(1<<30))
	}
	return fmt.Sprintf("%d MB", (bytes+1<<19)>>20)
}
