package launch

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"syscall"

	"designkits/infra/backend"
	"designkits/infra/supervise"
	"designkits/infra/topology"
)

// FreeOffset finds an offset at which every port of the backends and cases is
// free, and holds it against other kits until release is called. All ports stay
// below 32768, where Linux begins to hand out ports to outgoing connections.
func FreeOffset(state string, backends []backend.Backend, cases []topology.Case) (offset int, release func(), err error) {
	ports := []int{topology.StudyPort}
	for _, b := range backends {
		for _, p := range b.Ports {
			ports = append(ports, p.Number)
		}
	}
	for _, c := range cases {
		for _, p := range c.Processes {
			for i := range p.Replicas {
				ports = append(ports, p.Port+i)
			}
		}
	}
	highest := 0
	for _, p := range ports {
		highest = max(highest, p)
	}
	const step = 100
	blocks := (32767 - highest) / step
	if blocks < 1 {
		return 0, nil, fmt.Errorf("find free ports: port %d leaves no room below 32768", highest)
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(state))
	first := int(hash.Sum32()) % blocks
	for i := range blocks {
		offset := (1 + (first+i)%blocks) * step
		lock, err := holdOffset(offset)
		if err != nil {
			return 0, nil, err
		}
		if lock == nil {
			continue
		}
		if allFree(ports, offset) {
			return offset, func() { _ = lock.Close() }, nil
		}
		_ = lock.Close()
	}
	return 0, nil, errors.New("find free ports: every block has a port that is taken; ss -ltnp shows by whom")
}

func allFree(ports []int, offset int) bool {
	for _, p := range ports {
		if !supervise.PortFree(p + offset) {
			return false
		}
	}
	return true
}

// holdOffset takes a block of ports for this process, or returns nil when
// another kit has it. The lock ends with the process.
func holdOffset(offset int) (*os.File, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("kit-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("hold ports: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("ports-%d.lock", offset)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("hold ports: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, fmt.Errorf("hold ports: %w", err)
	}
	return f, nil
}
