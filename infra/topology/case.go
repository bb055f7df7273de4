// Package topology reads a case's case.yaml: which backends it needs, which
// processes it has, how each is told where the others are.
//
// It decides nothing about how they are run; engine does. Whatever is unknown
// in the file (a key, a backend, a reference) is an error that names the file,
// the key, and what is known.
package topology

// A Case is one case.yaml.
type Case struct {
	Name      string // the folder's name: "shortener"
	Namespace string // what prefixes all that it stores, unless it is given another
	Dir       string // the folder
	Title     string
	Summary   string
	Backends  []string
	Tools     []string // programs that its tests use: see package tool
	Page      string   // the page's address, with references
	Processes []Process
	// Edge is the path of the edge's nginx configuration below Dir, with
	// ${NAME} for addresses; empty when the case has no edge.
	Edge string
	// Lab is the environment of the case's demo and sample data, with references,
	// besides the page's address and the backends'.
	Lab map[string]string
	// WASM are main packages that are built for the browser, by name: folders
	// below Dir, in whatever module. ${wasm.NAME} is the folder with the result.
	WASM map[string]string
	// Variants are other ways to run it, with a backend more for example.
	Variants []Variant
}

// A Process is one program of a case: cmd/<name>.
type Process struct {
	Name     string
	Replicas int // at least 1
	Port     int // of the first replica, before any offset; the next takes the next
	Needs    []string
	Env      map[string]string // with references
}
