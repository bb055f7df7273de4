//go:build !linux

package supervise

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// bootID has no cheap equivalent here; start times alone tell processes apart.
func bootID() string { return "unknown" }

func statOf(pid int) (procStat, error) {
	all, err := stats("-p", strconv.Itoa(pid))
	if err != nil || len(all) == 0 {
		return procStat{}, fmt.Errorf("process %d: not found", pid)
	}
	return all[0], nil
}

// sharedOf is not known here.
func sharedOf(int) int64 { return 0 }

func allStats() ([]procStat, error) { return stats("-ax") }

// stats asks ps, which every Unix has; it knows no session number.
func stats(which ...string) ([]procStat, error) {
	out, err := exec.Command("ps", append(which, "-o", "pid=,ppid=,pgid=,rss=,state=,lstart=")...).Output()
	if err != nil {
		return nil, err
	}
	var all []procStat
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 10 {
			continue
		}
		pid, _ := strconv.Atoi(f[0])
		parent, _ := strconv.Atoi(f[1])
		group, _ := strconv.Atoi(f[2])
		kb, _ := strconv.ParseInt(f[3], 10, 64)
		started, err := time.ParseInLocation("Mon Jan 2 15:04:05 2006", strings.Join(f[5:10], " "), time.Local)
		if err != nil {
			continue
		}
		all = append(all, procStat{pid: pid, parent: parent, group: group, rss: kb << 10,
			start: uint64(started.Unix()), dead: strings.HasPrefix(f[4], "Z")})
	}
	return all, nil
}
