package bench

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
)

const (
	// disturbed is the share of the cores' time from which on a round isn't
	// counted: what the host of a virtual machine gives to others, it takes from
	// whoever is being measured.
	disturbed = 0.1
	// maxDisturbed is how many rounds may be dropped for it; on a host that is
	// never quiet the rest counts, and the note says so.
	maxDisturbed = 6
)

// ticks are what the cores did since the machine started, in the kernel's unit.
type ticks struct{ all, stolen uint64 }

// readTicks reads /proc/stat. Where there is none, on a system other than Linux,
// nothing is known to be stolen.
func readTicks() ticks {
	file, err := os.Open("/proc/stat")
	if err != nil {
		return ticks{}
	}
	defer file.Close()
	return parseTicks(file)
}

// parseTicks takes the first line: "cpu  user nice system idle iowait irq softirq
// steal guest guest_nice". What guests of this machine use is in user and nice.
func parseTicks(stat io.Reader) (t ticks) {
	line, _ := bufio.NewReader(stat).ReadString('\n')
	fields := strings.Fields(line)
	const steal = 8
	if len(fields) <= steal || fields[0] != "cpu" {
		return ticks{}
	}
	for i, field := range fields[1 : steal+1] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return ticks{}
		}
		t.all += n
		if i+1 == steal {
			t.stolen = n
		}
	}
	return t
}

// stolenSince is the share of the cores' time that the host took since then.
func (t ticks) stolenSince(then ticks) float64 {
	if t.all <= then.all || t.stolen <= then.stolen {
		return 0
	}
	return float64(t.stolen-then.stolen) / float64(t.all-then.all)
}
