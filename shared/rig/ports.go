package rig

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"

	"designkits/shared/hold"
)

// The ports of a case that isn't run by kit end below those that the system gives to
// outgoing connections, of which one would be gone again before the process takes it.
const firstPort, endPort = hold.CasePorts, 32_768

// ports are those that a case has taken.
type ports struct{ releases []func() }

// take finds a port that nobody listens on, and holds it until release: no other case
// is given it meanwhile, though the process that is to listen hasn't begun, or is
// killed and comes back.
func (p *ports) take() (address string, err error) {
	for range 1000 {
		port := strconv.Itoa(firstPort + rand.IntN(endPort-firstPort))
		release, ok, err := hold.Take("port-" + port)
		if err != nil {
			return "", err
		}
		if !ok {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", port)
		if l, err := net.Listen("tcp", address); err == nil {
			p.releases = append(p.releases, release)
			return address, l.Close()
		}
		release()
	}
	return "", fmt.Errorf("find a free port: a thousand between %d and %d are taken; ss -ltnp shows by whom", firstPort, endPort)
}

func (p *ports) release() {
	for _, release := range p.releases {
		release()
	}
	p.releases = nil
}
