package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"

	"designkits/infra/provision"
)

// account is whom the server runs as where the kit is root.
const account = "postgres"

// An owner is whom the server runs as and its cluster belongs to: ourselves,
// or, where we are root, the user postgres.
//
// That user may be unable to reach the cluster: it can own a folder below
// root's home, and can't go there. So root opens the folder for it, as
// descriptor 9, and the server is told /proc/self/fd/9. It changes into its
// data directory at the start and names all files relative to that. (To be
// started in the folder doesn't help: PostgreSQL 15 leaves its working
// directory while it looks for its own program, and goes back by name.)
type owner struct {
	uid, gid int // 0 is ourselves
	setpriv  string
}

// descend is run by root in the folder that the program is to work in.
const descend = `exec 9<. && cd / && exec "$@"`

// findOwner returns the owner for a kit that runs as uid.
func findOwner(uid int) (owner, error) {
	if uid != 0 {
		return owner{}, nil
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		return owner{}, notAsRoot("and there is no setpriv to run it as another user", "run the kit as an ordinary user, or install util-linux", err)
	}
	u, err := user.Lookup(account)
	if err != nil {
		return owner{}, notAsRoot("and there is no user "+account+" to run it as",
			"type: adduser --system --group --no-create-home "+account+", or run the kit as an ordinary user", err)
	}
	id, e1 := strconv.Atoi(u.Uid)
	gid, e2 := strconv.Atoi(u.Gid)
	if err := errors.Join(e1, e2); err != nil {
		return owner{}, fmt.Errorf("look up the user %s: %w", account, err)
	}
	return owner{uid: id, gid: gid, setpriv: setpriv}, nil
}

func notAsRoot(why, do string, err error) error {
	return &provision.Missing{Kind: provision.ErrUnsupported, What: "PostgreSQL refuses to run as root, " + why, Do: do, Detail: err}
}

// command is the command line for a program whose working directory is the
// data directory. The death of the kit's thread, by which the program is
// killed, is forgotten when the user changes; setpriv remembers it.
func (o owner) command(program string, args ...string) []string {
	command := append([]string{program}, args...)
	if o.uid == 0 {
		return command
	}
	return append([]string{
		"sh", "-c", descend, "sh",
		o.setpriv, "--reuid=" + strconv.Itoa(o.uid), "--regid=" + strconv.Itoa(o.gid), "--clear-groups", "--pdeathsig=keep",
	}, command...)
}

// workingDir is the name by which that program reaches the data directory.
func (o owner) workingDir() string {
	if o.uid == 0 {
		return "."
	}
	return "/proc/self/fd/9"
}

// own gives the program's user a folder of ours.
func (o owner) own(dir string) error {
	if o.uid == 0 {
		return nil
	}
	return os.Chown(dir, o.uid, o.gid)
}
