package launch

import (
	"errors"
	"fmt"
	"hash/fnv"

	"designkits/infra/backend"
	"designkits/infra/supervise"
	"designkits/infra/topology"
	"designkits/shared/hold"
)

// FreeOffset finds an offset at which every port of the backends and cases is
// free, and holds it against other kits until release is called. All ports stay
// below hold.CasePorts.
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
	blocks := (hold.CasePorts - 1 - highest) / step
	if blocks < 1 {
		return 0, nil, fmt.Errorf("find free ports: port %d leaves no room below %d", highest, hold.CasePorts)
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(state))
	first := int(hash.Sum32()) % blocks
	for i := range blocks {
		offset := (1 + (first+i)%blocks) * step
		release, ok, err := hold.Take(fmt.Sprintf("ports-%d", offset))
		if err != nil {
			return 0, nil, err
		}
		if !ok {
			continue
		}
		if allFree(ports, offset) {
			return offset, release, nil
		}
		release()
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
