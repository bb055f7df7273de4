package tool_test

import (
	"strings"
	"testing"

	"designkits/infra/tool"
)

func TestToolsAreFoundByName(t *testing.T) {
	sources, err := tool.Sources([]string{"chromium"})
	if err != nil || len(sources) != 1 {
		t.Fatalf("%v, %v", sources, err)
	}
	if _, err := tool.Sources([]string{"chrome"}); err == nil || !strings.Contains(err.Error(), "chromium") {
		t.Errorf("%v, want an error that names chromium", err)
	}
}
