//go:build !linux

package provision

import "syscall"

// childOfThread puts a child into a process group of its own, which keeps a
// terminal's Ctrl-C from it. Only Linux can also tie its life to ours.
func childOfThread() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
