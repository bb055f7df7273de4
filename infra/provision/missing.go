package provision

import (
	"errors"
	"fmt"
	"regexp"
	"syscall"
)

// The kinds of Missing, to be told apart with errors.Is.
var (
	ErrNoNetwork   = errors.New("no network")
	ErrNoRights    = errors.New("no right to install packages")
	ErrNoJava      = errors.New("no JDK 17")
	ErrNoMaven     = errors.New("no Maven")
	ErrNoGo        = errors.New("no Go")
	ErrDiskFull    = errors.New("the disk is full")
	ErrUnsupported = errors.New("unsupported operating system")
	ErrNoPackage   = errors.New("no such package or artifact")
)

// A Missing is something that this machine lacks and that the kit can't give
// it; the kit exits 3 on it. Its text has the sentence that helps.
type Missing struct {
	Kind   error  // one of the errors above
	What   string // what is missing: "redis-server 7 is not installed"
	Do     string // what a person can do, most often the line to type
	Detail error  // what was seen, if more than its absence
}

func (m *Missing) Error() string {
	s := fmt.Sprintf("%s: %s", m.What, m.Do)
	if m.Detail != nil {
		s += fmt.Sprintf(" (%v)", m.Detail)
	}
	return s
}

// Unwrap makes errors.Is work for the kind and for the detail.
func (m *Missing) Unwrap() []error {
	if m.Detail == nil {
		return []error{m.Kind}
	}
	return []error{m.Kind, m.Detail}
}

// What apt-get, Maven, Go and the C library say when the disk is full or nothing
// can be reached. Both package managers are run with LC_ALL=C.
var (
	diskFull  = regexp.MustCompile(`(?i)no space left on device|not enough free (disk )?space|don't have enough free space|disk quota exceeded`)
	noNetwork = regexp.MustCompile(`(?i)unknown host|UnknownHostException|temporary failure (in name resolution|resolving)|could not resolve (host|')|network is unreachable|connection refused|connect(ion)? timed out|could not connect|no route to host|name or service not known|cannot initiate the connection|transfer failed for|connection reset|no such host|i/o timeout|handshake timeout`)
	notThere  = regexp.MustCompile(`(?i)unable to locate package|has no installation candidate|could not find artifact|was not found in|unknown revision|40[34] (forbidden|not found)|410 gone`)
)

// Explain turns the error of a program that fetches things, and what it
// printed, into a *Missing where a person can do something about it (no
// network, no room, not there), and leaves other errors as they are.
func Explain(err error, output string) error {
	var missing *Missing
	if err == nil || errors.As(err, &missing) {
		return err
	}
	switch text := output + "\n" + err.Error(); {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), diskFull.MatchString(text):
		return &Missing{
			Kind: ErrDiskFull, What: "there is no room left to store what was fetched",
			Do: "free about 1 GB in the cache folder, the home folder and /tmp (`df -h` shows them), then type the same command again", Detail: err,
		}
	case noNetwork.MatchString(text):
		return &Missing{
			Kind: ErrNoNetwork, What: "the package servers can't be reached",
			Do: "check the network, and the proxy or mirror (~/.m2/settings.xml, /etc/apt, GOPROXY, Docker's), then type the same command again", Detail: err,
		}
	case notThere.MatchString(text):
		return &Missing{
			Kind: ErrNoPackage, What: "the package servers don't have what was asked for",
			Do: "check the mirror (~/.m2/settings.xml, /etc/apt, GOPROXY, Docker's); the kit was made for Debian 12 and Maven Central", Detail: err,
		}
	}
	return err
}
