package supervise

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// bootID changes with every boot, so records of an earlier one mean nothing.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(id))
}

// statOf reads /proc/PID/stat. The command stands in parentheses and may hold
// anything, so the fields are counted from the last ")".
func statOf(pid int) (procStat, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procStat{}, fmt.Errorf("process %d: %w", pid, err)
	}
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(f) < 22 {
		return procStat{}, fmt.Errorf("process %d: short stat line", pid)
	}
	parent, e1 := strconv.Atoi(f[1])
	group, e2 := strconv.Atoi(f[2])
	session, e3 := strconv.Atoi(f[3])
	start, e4 := strconv.ParseUint(f[19], 10, 64)
	pages, e5 := strconv.ParseInt(f[21], 10, 64)
	if err := errors.Join(e1, e2, e3, e4, e5); err != nil {
		return procStat{}, fmt.Errorf("process %d: %w", pid, err)
	}
	return procStat{
		pid: pid, parent: parent, group: group, session: session, start: start,
		rss:  pages * int64(os.Getpagesize()),
		dead: f[0] == "Z" || f[0] == "X",
	}, nil
}

// sharedOf returns how much of a process's memory others may have as well:
// mapped files and shared memory, in bytes.
func sharedOf(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(raw))
	if len(f) < 3 {
		return 0
	}
	pages, _ := strconv.ParseInt(f[2], 10, 64)
	return pages * int64(os.Getpagesize())
}

func allStats() ([]procStat, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []procStat
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, err := statOf(pid); err == nil { // else it has ended meanwhile
			all = append(all, p)
		}
	}
	return all, nil
}
