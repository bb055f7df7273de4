package supervise

import "fmt"

// A procStat is what the operating system says of one process.
type procStat struct {
	pid, parent, group, session int
	// start tells a process from a later one with the same number: clock ticks
	// since boot on Linux, Unix seconds elsewhere.
	start uint64
	rss   int64 // bytes
	dead  bool  // a zombie: ended, only not yet waited for
}

// familyOf returns the live processes of a child: its process group, and what
// has descended from it into groups of its own, as PostgreSQL's processes do.
func familyOf(child int) ([]procStat, error) {
	return family(func(p procStat) bool { return p.group == child })
}

// family returns the live processes that root holds for, with their descendants.
func family(root func(procStat) bool) ([]procStat, error) {
	all, err := allStats()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var members []procStat
	in := map[int]bool{}
	for grown := true; grown; { // a child may stand before its parent
		grown = false
		for _, p := range all {
			if !p.dead && !in[p.pid] && (root(p) || in[p.parent]) {
				members = append(members, p)
				in[p.pid], grown = true, true
			}
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
