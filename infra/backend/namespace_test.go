package backend

import "testing"

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		name, namespace string
		want            bool
	}{
		{"dev", "dev", true},
		{"dev.clicks", "dev", true},
		{"dev:seat:7", "dev", true},
		{"dev_t3_1f", "dev", true},
		{"dev_t3_1f", "dev_t3", true},
		{"dev-1/x", "dev", true},
		{"device", "dev", false},
		{"dev2.clicks", "dev", false},
		{"adev", "dev", false},
		{"de", "dev", false},
		{"_kit_ready", "dev", false},
		{"anything", "", false}, // dropping nothing must not drop everything
		{"", "", false},
	} {
		if got := Within(c.name, c.namespace); got != c.want {
			t.Errorf("Within(%q, %q) is %v", c.name, c.namespace, got)
		}
	}
}
