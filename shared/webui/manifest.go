package webui

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed manifest.json
var manifestJSON []byte

// A Library is one third-party browser library, kept here as the files that
// its package publishes, unchanged.
type Library struct {
	Name    string `json:"name"`
	Package string `json:"package"` // the npm package that the files are from
	Version string `json:"version"`
	Licence string `json:"licence"` // SPDX identifier; the text is one of Files
	Use     string `json:"use"`     // "page", or "test" for what is never served
	Why     string `json:"why"`
	Files   []File `json:"files"`
}

// A File is one file of a Library.
type File struct {
	File   string `json:"file"`   // path below this package
	SHA256 string `json:"sha256"` // of its content, in hex
}

// Libraries returns the manifest: every third-party file that pages or their
// tests load.
func Libraries() ([]Library, error) {
	var m struct {
		Libraries []Library `json:"libraries"`
	}
	if err := json.Unmarshal(manifestJSON, &m); err != nil {
		return nil, fmt.Errorf("read webui/manifest.json: %w", err)
	}
	return m.Libraries, nil
}
