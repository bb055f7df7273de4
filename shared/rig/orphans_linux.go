package rig

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel send the process a signal when its parent is
// killed, and makes it the first of a group of its own.
func dieWithParent(cmd *exec.Cmd, signal syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: signal, Setpgid: true}
}
