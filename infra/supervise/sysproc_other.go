//go:build !linux

package supervise

import "syscall"

// childAttr gives a child its own process group, so that a signal reaches all
// it has forked and a terminal's Ctrl-C doesn't. Only Linux can tie its life to
// ours; elsewhere the next start reaps it.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
