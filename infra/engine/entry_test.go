package engine

import (
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// entry runs the containers' entry point and returns the CODE_KEY that the
// process would see.
func entry(t *testing.T, secrets string, env ...string) string {
	t.Helper()
	cmd := exec.Command("sh", "../entry.sh", "sh", "-c", `printf %s "$CODE_KEY"`)
	cmd.Env = append([]string{"GENERATED=CODE_KEY", "SECRETS=" + secrets, "PATH=/usr/bin:/bin"}, env...)
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("entry.sh: %v", err)
	}
	return string(out)
}

func TestReplicasShareOneGeneratedSecret(t *testing.T) {
	secrets := t.TempDir()
	keys := make([]string, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() { keys[i] = entry(t, secrets, "CODE_KEY=") })
	}
	wg.Wait()
	for _, key := range keys {
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(key) {
			t.Errorf("%q is not 32 bytes in hexadecimal", key)
		}
		if key != keys[0] {
			t.Errorf("two replicas that started at once have two keys:\n%s", strings.Join(keys, "\n"))
			break
		}
	}
	if again := entry(t, secrets); again != keys[0] {
		t.Errorf("after a restart the key is another one")
	}
	if given := entry(t, secrets, "CODE_KEY=given"); given != "given" {
		t.Errorf("the environment's key became %q", given)
	}
}
