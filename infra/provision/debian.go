package provision

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A Debian is a program that Debian 12 has a package for. One of the same
// major version that is found on PATH is used as it is, whoever installed it;
// so the kit also serves a Mac or another Linux whose owner did.
type Debian struct {
	Name        string   // the backend's: "redis"
	Program     string   // "redis-server"
	VersionArgs []string // make the program print its version: "--version"
	Major       string   // "7" accepts 7.0.15, "" any
	Dir         string   // where the packages put it, if PATH doesn't have that
	Packages    []string // "redis-server"
	Services    []string // what the packages would start at every boot
	Bytes       int64    // about how much is downloaded
}

// versionNumber finds the first dotted number in what a program says of
// itself: "Redis server v=7.0.15 sha=…", "nginx version: nginx/1.22.1".
var versionNumber = regexp.MustCompile(`\d+(\.\d+)+`)

// Path returns the program of the right major version, from PATH or from where
// Debian puts servers, which is not on everybody's PATH.
func (d Debian) Path() (string, error) {
	dirs := append(filepath.SplitList(os.Getenv("PATH")), "/usr/local/sbin", "/usr/sbin", "/usr/bin", d.Dir)
	var others []string
	for _, dir := range dirs {
		path := filepath.Join(dir, d.Program)
		if !filepath.IsAbs(path) {
			continue // a relative entry of PATH: not to be trusted
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			continue
		}
		out, err := exec.Command(path, d.VersionArgs...).CombinedOutput()
		version := string(versionNumber.Find(out))
		if err == nil && (d.Major == "" || version == d.Major || strings.HasPrefix(version, d.Major+".")) {
			return path, nil
		}
		others = append(others, fmt.Sprintf("%s is version %q", path, version))
	}
	if len(others) > 0 {
		return "", fmt.Errorf("find %s %s: %s", d.Program, d.Major, strings.Join(others, ", "))
	}
	return "", fmt.Errorf("find %s %s: not on PATH", d.Program, d.Major)
}

// Describe implements Source.
func (d Debian) Describe(_ context.Context, _ string) (what string, bytes int64, installed bool) {
	if path, err := d.Path(); err == nil {
		return fmt.Sprintf("%s %s (%s)", d.Program, d.Major, path), 0, true
	}
	return fmt.Sprintf("%s %s (Debian: %s)", d.Program, d.Major, strings.Join(d.Packages, " ")), d.Bytes, false
}
