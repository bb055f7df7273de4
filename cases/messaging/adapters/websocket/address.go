package websocket

import (
	"net/netip"
	"sync"
)

// addresses count what each address has, which is no more than most; 0 is no
// limit, and then nothing is counted.
type addresses struct {
	most int
	mu   sync.Mutex
	has  map[netip.Addr]int
}

// take counts one more, or refuses it.
func (a *addresses) take(addr netip.Addr) bool {
	if a.most == 0 {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.has[addr] >= a.most {
		return false
	}
	if a.has == nil {
		a.has = map[netip.Addr]int{}
	}
	a.has[addr]++
	return true
}

func (a *addresses) release(addr netip.Addr) {
	if a.most == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.has[addr]--; a.has[addr] <= 0 {
		delete(a.has, addr)
	}
}
