package provision

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// follow runs cmd, which ends with its context and with this process, and hands
// what it prints to read, which must read to the end.
func follow(cmd *exec.Cmd, read func(io.Reader)) error {
	cmd.SysProcAttr = childOfThread()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second

	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		read(out)
	}()
	// The child's death signal hangs on the thread that started it.
	runtime.LockOSThread()
	err := cmd.Run()
	runtime.UnlockOSThread()
	in.Close()
	<-followed
	return err
}

// place puts what was fetched and checked where it is used from.
func place(fetched, dir, name string) error {
	if err := os.RemoveAll(dir); err != nil { // a damaged one
		return fmt.Errorf("remove the damaged %s: %w", name, err)
	}
	if err := os.Rename(fetched, dir); err != nil {
		return fmt.Errorf("put %s into the cache: %w", name, err)
	}
	return nil
}
