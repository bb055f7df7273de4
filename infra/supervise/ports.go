package supervise

import (
	"fmt"
	"net"
	"strconv"
)

// A PortTaken is a port that a process needs and another one has.
type PortTaken struct {
	Port   int
	Holder string // "nginx (pid 812)", or what is known of it
}

func (e *PortTaken) Error() string {
	return fmt.Sprintf("port %d is taken by %s; stop that, or move this checkout's ports with --port-offset 1000", e.Port, e.Holder)
}

// PortFree reports whether a loopback port can be listened on.
func PortFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// CheckPorts returns a *PortTaken unless all of the ports are free.
func CheckPorts(ports []int) error {
	for _, port := range ports {
		if !PortFree(port) {
			return &PortTaken{Port: port, Holder: PortHolder(port)}
		}
	}
	return nil
}
