package topology

// An Instance is one replica of a process with everything filled in.
type Instance struct {
	Process string   // as in case.yaml: "api"; the binary's and the compose service's stem
	Name    string   // "api-1"; the process's own name when it has one replica
	Replica int      // from 1
	Port    int      // its loopback port
	Addr    string   // "127.0.0.1:8101"
	Env     []string // "KEY=value", sorted, every ${...} resolved
	Needs   []string // backends that must be ready before it starts
	State   string   // its own folder, kept between runs
}
