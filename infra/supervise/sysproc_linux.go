package supervise

import "syscall"

// childAttr gives a child its own process group, so that a signal reaches all
// it has forked and a terminal's Ctrl-C doesn't, and lets it die with us.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
