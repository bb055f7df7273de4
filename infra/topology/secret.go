package topology

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// secret returns the named secret of a case: 32 random bytes in hexadecimal,
// made when it is first asked for and kept, readable by its owner alone.
func secret(state, caseName, name string) (string, error) {
	dir := filepath.Join(state, "secrets", caseName)
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path)
	if err == nil {
		return string(raw), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("secret %s of %s: %w", name, caseName, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("secret %s of %s: %w", name, caseName, err)
	}
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("secret %s of %s: %w", name, caseName, err)
	}
	value := hex.EncodeToString(random[:])
	// Renamed into place, so that a kit that is killed leaves no half a secret.
	part := path + ".part"
	if err := os.WriteFile(part, []byte(value), 0o600); err != nil {
		return "", fmt.Errorf("secret %s of %s: %w", name, caseName, err)
	}
	if err := os.Rename(part, path); err != nil {
		return "", fmt.Errorf("secret %s of %s: %w", name, caseName, err)
	}
	return value, nil
}
