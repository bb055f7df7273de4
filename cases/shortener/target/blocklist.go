package target

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed blocked.txt
var blockedDomains string

// A Blocklist holds domains that no link may point to, each with everything
// below it. It doesn't change, so it may be used by many goroutines at once.
type Blocklist struct {
	reasons map[string]string // by domain
}

// DefaultBlocklist returns the list that the program carries (blocked.txt).
func DefaultBlocklist() (*Blocklist, error) { return ParseBlocklist(blockedDomains) }

// ParseBlocklist reads a list: a domain and a word for the reason a line;
// empty lines and those that begin with # are left out.
func ParseBlocklist(text string) (*Blocklist, error) {
	list := &Blocklist{reasons: map[string]string{}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 2 {
			return nil, fmt.Errorf("blocklist line %d: %q is not a domain and a reason", number, line)
		}
		domain, err := hostNames.ToASCII(fields[0])
		if err != nil {
			return nil, fmt.Errorf("blocklist line %d: %q is not a domain: %w", number, fields[0], err)
		}
		list.reasons[domain] = fields[1]
	}
	return list, nil
}

// Find returns the blocked domain that the normalised host is or lies below.
func (l *Blocklist) Find(host string) (domain, reason string, ok bool) {
	if l == nil {
		return "", "", false
	}
	for rest := host; ; {
		if reason, ok := l.reasons[rest]; ok {
			return rest, reason, true
		}
		_, parent, more := strings.Cut(rest, ".")
		if !more {
			return "", "", false
		}
		rest = parent
	}
}
