package main

import (
	"strings"
	"testing"

	"designkits/infra/launch"
)

func TestHintsNameTheStateFolder(t *testing.T) {
	down := launch.Event{Kind: launch.Down, Name: "redis", Reason: "killed", Lasting: true}
	for state, want := range map[string]string{
		"":           "`kit restart redis` starts it again",
		"/mnt/small": "`kit restart --state /mnt/small redis` starts it again",
	} {
		var said strings.Builder
		s := newScreen(&options{state: state})
		s.out = &said
		s.show(down)
		if !strings.Contains(said.String(), want) {
			t.Errorf("with the state folder %q a screen says %q, want %q in it", state, said.String(), want)
		}
	}
}
