package backend

import "strings"

// Within reports whether a name belongs to a namespace: it is the namespace
// itself, or begins with it and goes on with something that isn't a letter or
// a digit ("dev.clicks", "dev:seat:7" and "dev_t3" are within "dev", "device"
// is not). Every Drop decides by it, so a namespace must not be another one
// with an underscore and more, unless it is meant to go with that one.
func Within(name, namespace string) bool {
	rest, ok := strings.CutPrefix(name, namespace)
	if !ok || namespace == "" {
		return false
	}
	if rest == "" {
		return true
	}
	c := rest[0]
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9')
}
