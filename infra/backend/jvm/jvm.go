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
)

// A Server is one JVM to run.
type Server struct {
	// Name is the process's, and the name of its folder for temporary files.
	Name string
	// Jars are the class path; Config is a folder before them, or "".
	Jars   provision.Maven
	Config string
	// Heap is both -Xms and -Xmx, in MiB.
	Heap int
	// Options are further options of the JVM, -XX and -D.
	Options []string
	// Exports and Opens are the packages of the JDK that the server uses though
	// they aren't public: "java.base/sun.nio.ch".
	Exports, Opens []string
	Main           string
	Args           []string
}

// Command is the program and its arguments. It fails where there is no JDK 17.
func (s Server) Command(site backend.Site) ([]string, error) {
	java, err := provision.Java(context.Background())
	if err != nil {
		return nil, err
	}
	cmd := []string{
		java,
		fmt.Sprintf("-Xms%dm", s.Heap), fmt.Sprintf("-Xmx%dm", s.Heap),
		"-XX:+UseSerialGC",
		"-XX:+ExitOnOutOfMemoryError",
		"-XX:-UsePerfData", // no file in /tmp that is written to at every safepoint
		"-XX:ErrorFile=" + site.Path("hs_err_%p.log"),
		"-Djava.io.tmpdir=" + s.tmp(site),
		"-Djava.net.preferIPv4Stack=true",
		"-Djava.awt.headless=true",
	}
	for _, pkg := range s.Exports {
		cmd = append(cmd, "--add-exports="+pkg+"=ALL-UNNAMED")
	}
	for _, pkg := range s.Opens {
		cmd = append(cmd, "--add-opens="+pkg+"=ALL-UNNAMED")
	}
	cmd = append(cmd, s.Options...)
	classPath := filepath.Join(s.Jars.Lib(site.Cache), "*")
	if s.Config != "" {
		classPath = s.Config + string(filepath.ListSeparator) + classPath
	}
	cmd = append(cmd, "-cp", classPath, s.Main)
	return append(cmd, s.Args...), nil
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
