package e2e

import "go.mau.fi/libsignal/logger"

// The protocol library prints what it refuses, ciphertexts and keys among it,
// unless it is given a logger. Whoever calls this package gets an error instead.
func init() {
	var quiet logger.Loggable = silence{}
	logger.Setup(&quiet)
}

type silence struct{}

func (silence) Debug(_, _ string)   {}
func (silence) Info(_, _ string)    {}
func (silence) Warning(_, _ string) {}
func (silence) Error(_, _ string)   {}
func (silence) Configure(string)    {}
