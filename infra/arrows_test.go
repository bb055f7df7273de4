package infra

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A goPackage is what go list says of a package.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// TestArrows checks which way the project's imports point: a case uses shared
// and nothing else of the project, shared uses nothing of it, adapters don't
// know each other, a case's domain knows no driver and no adapter, and what is
// under the GPL is imported by the one module that is too.
func TestArrows(t *testing.T) {
	packages := listPackages(t)
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages, which can't be all", len(packages))
	}
	drivers := driversOf(packages)
	for _, p := range packages {
		for _, imported := range p.Imports {
			if err := arrow(p.ImportPath, imported, drivers); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestArrowsBroken is the control: each rule refuses what it is there for.
func TestArrowsBroken(t *testing.T) {
	drivers := map[string]bool{"github.com/redis/go-redis/v9": true}
	for _, broken := range [][2]string{
		{"designkits/cases/shortener", "designkits/cases/rides"},
		{"designkits/cases/shortener/cmd/api", "designkits/infra/supervise"},
		{"designkits/shared/service", "designkits/infra/launch"},
		{"designkits/shared/service", "designkits/cases/shortener"},
		{"designkits/infra/launch", "designkits/cases/shortener"},
		{"designkits/cases/shortener/adapters/redis", "designkits/cases/shortener/adapters/kafka"},
		{"designkits/cases/shortener", "designkits/cases/shortener/adapters/redis"},
		{"designkits/cases/shortener", "github.com/redis/go-redis/v9"},
		{"designkits/cases/crawler/frontier", "github.com/redis/go-redis/v9"},
		{"designkits/cases/crawler/frontier", "net/http/httptest"},
		{"designkits/cases/messaging/cmd/gateway", "designkits/cases/messaging/client/e2e"},
		{"designkits/cases/messaging/cmd/gateway", "go.mau.fi/libsignal/session"},
		{"designkits/cases/tickets", "designkits/cases/messaging/client/e2e"},
		{"designkits/shared/service", "go.mau.fi/libsignal/session"},
		{"designkits/infra/launch", "go.mau.fi/libsignal/session"},
		{"designkits/cases/messaging/client/e2e", "designkits/cases/messaging/adapters/cassandra"},
		{"designkits/cases/messaging/clientele", "go.mau.fi/libsignal/session"},
	} {
		if arrow(broken[0], broken[1], drivers) == nil {
			t.Errorf("%s may import %s, and must not", broken[0], broken[1])
		}
	}
	for _, good := range [][2]string{
		{"designkits/cases/shortener", "designkits/shared/problem"},
		{"designkits/cases/shortener/adapters/redis", "github.com/redis/go-redis/v9"},
		{"designkits/cases/shortener/adapters/redis", "designkits/cases/shortener"},
		{"designkits/cases/shortener/adapters/kafka/codec", "designkits/cases/shortener/adapters/kafka"},
		{"designkits/cases/shortener/cmd/api", "designkits/cases/shortener/adapters/redis"},
		{"designkits/infra/control", "designkits/shared/fault"},
		{"designkits/cases/messaging/client/e2e", "go.mau.fi/libsignal/session"},
		{"designkits/cases/messaging/client/cmd/chat", "designkits/cases/messaging/client/e2e"},
		{"designkits/cases/messaging/client/api", "designkits/cases/messaging/wire"},
	} {
		if err := arrow(good[0], good[1], drivers); err != nil {
			t.Error(err)
		}
	}
}

// outer are the rooms of a case that may know drivers and adapters; whatever
// else it has is its domain. A crowd is who benches and experiments bring along.
var outer = map[string]bool{"adapters": true, "cmd": true, "demo": true, "bench": true, "crowd": true, "curveballs": true, "exercises": true}

// The messaging client links libsignal, which is GPL-3, and is so itself. It is
// a module of its own that nobody links.
const (
	gplClient  = "designkits/cases/messaging/client"
	gplLibrary = "go.mau.fi/libsignal"
)

// within reports whether a package is the one at root or below it.
func within(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// arrow returns an error when package from must not import package to.
func arrow(from, to string, drivers map[string]bool) error {
	refuse := func(why string) error { return fmt.Errorf("%s imports %s: %s", from, to, why) }
	if !within(from, gplClient) && !within(from, gplLibrary) && (within(to, gplClient) || within(to, gplLibrary)) {
		return refuse("it is GPL-3, and only " + gplClient + " is")
	}
	fromModule, fromRest := module(from)
	toModule, toRest := module(to)
	if toModule != "" && fromModule != toModule && toModule != "shared" {
		return refuse("a case and infra import shared, shared imports neither, and nobody imports a case or infra")
	}
	if !strings.HasPrefix(fromModule, "cases/") {
		return nil
	}
	fromRoom, fromName, _ := strings.Cut(fromRest, "/")
	toRoom, toName, _ := strings.Cut(toRest, "/")
	fromName, _, _ = strings.Cut(fromName, "/")
	toName, _, _ = strings.Cut(toName, "/")
	if fromModule == toModule && fromRoom == "adapters" && toRoom == "adapters" && fromName != toName {
		return refuse("adapters don't know each other")
	}
	if outer[fromRoom] {
		return nil
	}
	switch {
	case fromModule == toModule && outer[toRoom]:
		return refuse("the domain knows nothing around it")
	case drivers[to]:
		return refuse("the domain knows no driver")
	case to == "net/http/httptest" || to == "database/sql":
		return refuse("the domain talks to nothing")
	}
	return nil
}

// module splits an import path into the project's module and the rest; the
// module is empty for a package of somebody else.
func module(path string) (name, rest string) {
	path, ok := strings.CutPrefix(path, "designkits/")
	if !ok {
		return "", ""
	}
	parts := strings.SplitN(path, "/", 3)
	if parts[0] == "cases" && len(parts) > 1 {
		return strings.Join(parts[:2], "/"), strings.Join(parts[2:], "/")
	}
	name, rest, _ = strings.Cut(path, "/")
	return name, rest
}

// driversOf names the packages of others that an adapter of a technology
// imports and that can talk to a server: those that import net themselves or
// by what they import.
func driversOf(packages map[string]goPackage) map[string]bool {
	talks := map[string]bool{}
	var reaches func(path string) bool
	reaches = func(path string) bool {
		if known, ok := talks[path]; ok {
			return known
		}
		talks[path] = false
		for _, imported := range packages[path].Imports {
			if imported == "net" || imported == "net/http" || !packages[imported].Standard && reaches(imported) {
				talks[path] = true
			}
		}
		return talks[path]
	}
	drivers := map[string]bool{}
	for path, p := range packages {
		name, rest := module(path)
		if !strings.HasPrefix(name, "cases/") || !strings.HasPrefix(rest, "adapters/") {
			continue
		}
		for _, imported := range p.Imports {
			if other, _ := module(imported); other == "" && !packages[imported].Standard && reaches(imported) {
				drivers[imported] = true
			}
		}
	}
	return drivers
}

func listPackages(t *testing.T) map[string]goPackage {
	t.Helper()
	modules, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	args := []string{"list", "-deps", "-json=ImportPath,Standard,Imports"}
	for m := range strings.FieldsSeq(string(modules)) {
		args = append(args, m+"/...")
	}
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -deps: %v", err)
	}
	packages := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list -deps: %v", err)
		}
		packages[p.ImportPath] = p
	}
}
