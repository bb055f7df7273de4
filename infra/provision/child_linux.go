package provision

import "syscall"

// childOfThread puts a child into a process group of its own, which keeps a
// terminal's Ctrl-C from it, and ends it when the thread that started it ends.
func childOfThread() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
