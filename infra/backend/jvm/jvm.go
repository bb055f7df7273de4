// Package jvm builds the command lines of the servers that run on a JVM, so
// that all of them are capped, quiet and tidy in the same way: a fixed heap, the
// serial collector (the machine has two cores and several of them), temporary
// files in a folder of their own, and an end at the first OutOfMemoryError in
// place of a half-dead server.
package jvm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"designkits/infra/backend"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

// A Server is one JVM to run.
type Server struct {
	// Name is the process's, and the name of its folder for temporary files.
	Name string
	// Jars are the class path.
	Jars provision.Maven
	// Heap is -Xmx, in MiB. The heap begins smaller: run as root, Cassandra
	// locks into memory whatever of it is there at the start.
	Heap int
	// Light marks a JVM that isn't there for throughput: a tool, a coordinator.
	// It does with the first compiler alone.
	Light bool
	// Options are further options of the JVM, -XX and -D.
	Options []string
	// Exports and Opens are the packages of the JDK that the server uses though
	// they aren't public: "java.base/sun.nio.ch".
	Exports, Opens []string
	Main           string
	Args           []string
}

// startHeap is the most that -Xms asks for, in MiB.
const startHeap = 256

// Compiling is more than half of what a JVM server's start costs, and most of
// that is the second compiler at work on code that turns out not to matter.
// With thresholds five times the usual ones it comes later, and still comes for
// whatever a load makes hot. Cassandra's start took 7.2 s of processor time in
// place of 10.1, and 6.3 with the first compiler alone (which would cost
// throughput for good); class data sharing saved one second more and cost
// twelve to make, so it isn't used.
var (
	lateSecondCompiler = []string{
		"-XX:Tier4InvocationThreshold=25000", "-XX:Tier4MinInvocationThreshold=5000",
		"-XX:Tier4CompileThreshold=75000", "-XX:Tier4BackEdgeThreshold=200000",
	}
	firstCompilerOnly = []string{"-XX:TieredStopAtLevel=1"}
)

// Command is the program and its arguments. It fails where there is no JDK 17.
func (s Server) Command(site backend.Site) ([]string, error) {
	java, err := provision.Java(context.Background())
	if err != nil {
		return nil, err
	}
	cmd := []string{
		java,
		fmt.Sprintf("-Xms%dm", min(s.Heap, startHeap)), fmt.Sprintf("-Xmx%dm", s.Heap),
		"-XX:+UseSerialGC",
		"-XX:+ExitOnOutOfMemoryError",
		"-XX:-UsePerfData", // no file in /tmp that is written to at every safepoint
		"-XX:ErrorFile=" + site.Path("hs_err_%p.log"),
		"-Djava.io.tmpdir=" + s.tmp(site),
		"-Djava.net.preferIPv4Stack=true",
		"-Djava.awt.headless=true",
	}
	if s.Light {
		cmd = append(cmd, firstCompilerOnly...)
	} else {
		cmd = append(cmd, lateSecondCompiler...)
	}
	for _, pkg := range s.Exports {
		cmd = append(cmd, "--add-exports="+pkg+"=ALL-UNNAMED")
	}
	for _, pkg := range s.Opens {
		cmd = append(cmd, "--add-opens="+pkg+"=ALL-UNNAMED")
	}
	cmd = append(cmd, s.Options...)
	cmd = append(cmd, "-cp", filepath.Join(s.Jars.Lib(site.Cache), "*"), s.Main)
	return append(cmd, s.Args...), nil
}

// Unit is the server as the supervisor runs it: in the backend's data folder, with
// its folder for temporary files emptied before each start.
func (s Server) Unit(site backend.Site, ready func(context.Context, backend.Site) error, address string, ports ...int) (supervise.Spec, error) {
	command, err := s.Command(site)
	if err != nil {
		return supervise.Spec{}, err
	}
	return supervise.Spec{
		Name:    s.Name,
		Kind:    "backend",
		Command: command,
		Dir:     site.Data,
		Prepare: func(context.Context) error { return s.Prepare(site) },
		Ready:   func(ctx context.Context) error { return ready(ctx, site) },
		Ports:   ports,
		Address: address,
	}, nil
}

// Prepare empties the folder for temporary files, where a JVM that was killed
// has left the native libraries that it unpacked.
func (s Server) Prepare(site backend.Site) error {
	if err := os.RemoveAll(s.tmp(site)); err != nil {
		return fmt.Errorf("empty the temporary folder of %s: %w", s.Name, err)
	}
	if err := os.MkdirAll(s.tmp(site), 0o755); err != nil {
		return fmt.Errorf("make the temporary folder of %s: %w", s.Name, err)
	}
	return nil
}

func (s Server) tmp(site backend.Site) string { return site.Path("tmp", s.Name) }
