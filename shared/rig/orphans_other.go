//go:build !linux

package rig

import (
	"os/exec"
	"syscall"
)

// dieWithParent can't be had here: a test that is killed leaves its processes.
func dieWithParent(cmd *exec.Cmd, _ syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
