package hold

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// endPort is the first of the ports that the system gives to outgoing connections,
// which may be gone or taken before a server is there.
const endPort = 32_768

// Port finds a loopback port, "127.0.0.1:31234", that nobody listens on, and holds it
// until release: nobody else who asks here is given it meanwhile, though the server
// that is to listen hasn't begun, or is killed and comes back. All are from CasePorts on.
func Port() (address string, release func(), err error) {
	for range 1000 {
		port := strconv.Itoa(CasePorts + rand.IntN(endPort-CasePorts))
		release, ok, err := Take("port-" + port)
		if err != nil {
			return "", nil, err
		}
		if !ok {
			continue
		}
		address := net.JoinHostPort("127.0.0.1", port)
		if l, err := net.Listen("tcp", address); err == nil {
			return address, release, l.Close()
		}
		release()
	}
	return "", nil, fmt.Errorf("find a free port: a thousand between %d and %d are taken; ss -ltnp shows by whom", CasePorts, endPort)
}
