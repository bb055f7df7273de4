//go:build !linux

package supervise

import (
	"fmt"
	"os/exec"
	"strings"
)

// PortHolder asks lsof, which is part of macOS.
func PortHolder(port int) string {
	out, err := exec.Command("lsof", "-nP", fmt.Sprintf("-iTCP:%d", port), "-sTCP:LISTEN", "-Fpc").Output()
	if err != nil {
		return "a process of another user"
	}
	var pid, name string
	for line := range strings.Lines(string(out)) {
		switch line[0] {
		case 'p':
			pid = strings.TrimSpace(line[1:])
		case 'c':
			name = strings.TrimSpace(line[1:])
		}
	}
	return fmt.Sprintf("%s (pid %s)", name, pid)
}
