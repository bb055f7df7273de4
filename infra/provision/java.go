package provision

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// JavaMajor is the Java that the JVM servers were tried with. Cassandra 5.0
// refuses newer ones.
const JavaMajor = "17"

// Java returns the java program of a JDK 17: from JAVA_HOME, from PATH, or
// where the operating systems put one. The error is a *Missing.
func Java(ctx context.Context) (string, error) {
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"))
	}
	if path, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, path)
	}
	for _, pattern := range []string{
		"/usr/lib/jvm/*17*/bin/java",
		"/Library/Java/JavaVirtualMachines/*17*/Contents/Home/bin/java",
	} {
		found, _ := filepath.Glob(pattern) // the patterns are well-formed
		candidates = append(candidates, found...)
	}
	for _, c := range candidates {
		if javaMajor(ctx, c) == JavaMajor {
			return c, nil
		}
	}
	return "", &Missing{
		Kind: ErrNoJava, What: "no JDK 17 was found in JAVA_HOME, on PATH or below /usr/lib/jvm",
		Do: "type: " + asRoot("apt-get install -y openjdk-17-jdk-headless") + " (on a Mac: brew install openjdk@17, and set JAVA_HOME)",
	}
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// javaMajor reads the major version from the JDK's release file, which takes
// no time; a java without one (a launcher stub) is run and asked.
func javaMajor(ctx context.Context, java string) string {
	real, err := filepath.EvalSymlinks(java)
	if err != nil {
		return ""
	}
	if f, err := os.Open(filepath.Join(filepath.Dir(real), "..", "release")); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if v, ok := strings.CutPrefix(lines.Text(), "JAVA_VERSION="); ok {
				major, _, _ := strings.Cut(strings.Trim(v, `"`), ".")
				return major
			}
		}
	}
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if m := javaVersion.FindSubmatch(out); err == nil && m != nil {
		return string(m[1])
	}
	return ""
}

func findMaven() error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return &Missing{
			Kind: ErrNoMaven, What: "Maven (mvn), which fetches the JVM servers, is not on PATH",
			Do: "type: " + asRoot("apt-get install -y maven") + " (on a Mac: brew install maven)",
		}
	}
	return nil
}

// asRoot writes a command as this user would have to type it.
func asRoot(command string) string {
	if os.Geteuid() == 0 {
		return command
	}
	return "sudo " + command
}
