// Package testdata is the real input of the demo, the seeds and the tests:
// public addresses and the agents of browsers and bots. README.md beside it
// says where each is from and under which licence.
package testdata

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed urls.txt
var urls string

//go:embed useragents/humans.json
var humans []byte

//go:embed useragents/bots.json
var bots []byte

// URLs returns the public addresses, in the order of the file.
func URLs() []string { return strings.Fields(urls) }

// An Agent is one real User-Agent header.
type Agent struct {
	UserAgent string `json:"user_agent"`
	// Family and Device are of a browser's agent: "firefox", "mobile".
	Family string `json:"family"`
	Device string `json:"device"`
	// Pattern matches a bot's agent.
	Pattern string `json:"pattern"`
}

// Browsers returns the agents of people.
func Browsers() ([]Agent, error) { return agents("humans.json", humans) }

// Bots returns the agents of crawlers, libraries and monitors.
func Bots() ([]Agent, error) { return agents("bots.json", bots) }

func agents(name string, content []byte) ([]Agent, error) {
	var list []Agent
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("read testdata/useragents/%s: %w", name, err)
	}
	return list, nil
}
