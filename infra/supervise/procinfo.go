package supervise

import "fmt"

// A procStat is what the operating system says of one process.
type procStat struct {
	pid, group, session int
	// start tells a process from a later one with the same number: clock ticks
	// since boot on Linux, Unix seconds elsewhere.
	start uint64
	rss   int64 // bytes
	dead  bool  // a zombie: ended, only not yet waited for
}

// groupOf returns the live members of a process group.
func groupOf(group int) ([]procStat, error) {
	all, err := allStats()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var members []procStat
	for _, p := range all {
		if p.group == group && !p.dead {
			members = append(members, p)
		}
	}
	return members, nil
}

// Alive reports whether the process that had this number and start time still
// runs.
func Alive(pid int, start uint64) bool {
	p, err := statOf(pid)
	return err == nil && !p.dead && p.start == start
}

// StartTime returns what tells the process from a later one with its number.
func StartTime(pid int) (uint64, error) {
	p, err := statOf(pid)
	return p.start, err
}
