// Package tool lists the programs that a case's tests and experiments use and
// that are no servers: a browser, a conformance suite. A case asks for them under
// tools in its case.yaml; `kit test`, `kit bench` and `kit curveball` fetch them,
// and nothing else does.
package tool

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"designkits/infra/provision"
)

// all are the tools by their names in case.yaml.
var all = map[string][]provision.Source{
	// The browser that the page tests drive. Any version will do: they use
	// what every current browser has.
	"chromium": {provision.Debian{
		Name: "chromium", Program: "chromium", VersionArgs: []string{"--version"},
		Packages: []string{"chromium"}, Bytes: 90_000_000,
	}},
	// The WebSocket conformance cases of Autobahn, whose own runner is Python 2.
	// The version is also in the name of the folder where the test looks for it.
	"kosoku": {provision.Interpreter, provision.Python{Name: "kosoku", Version: "0.1.0", Bytes: 3_000_000}},
}

// Names are the names of all tools.
func Names() []string { return slices.Sorted(maps.Keys(all)) }

// Sources returns where the named tools come from, or an error that names the
// tools that there are.
func Sources(names []string) ([]provision.Source, error) {
	var sources []provision.Source
	for _, name := range names {
		found, ok := all[name]
		if !ok {
			return nil, fmt.Errorf("there is no tool %q; there are: %s", name, strings.Join(Names(), ", "))
		}
		sources = append(sources, found...)
	}
	return sources, nil
}
