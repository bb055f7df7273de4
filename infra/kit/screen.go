package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"designkits/infra/launch"
	"designkits/infra/provision"
)

// A screen shows events: a line each, and while something is fetched one
// progress bar on a terminal, or a line now and then without one.
type screen struct {
	out      io.Writer
	terminal bool

	mu       sync.Mutex
	bar      *progressbar.ProgressBar
	fetching map[string]provision.Progress
	said     map[string]time.Time // when a line about a download was last printed
}

func newScreen() *screen {
	return &screen{out: os.Stdout, terminal: term.IsTerminal(int(os.Stdout.Fd())),
		fetching: map[string]provision.Progress{}, said: map[string]time.Time{}}
}

// linef prints a line, above the progress bar if there is one.
func (s *screen) linef(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.print(fmt.Sprintf(format, args...))
}

func (s *screen) print(text string) {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
	fmt.Fprintln(s.out, text)
}

// show prints what an event has to say.
func (s *screen) show(e launch.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case launch.Fetching:
		s.fetch(*e.Fetch)
	case launch.Up:
		s.print(strings.TrimRight(fmt.Sprintf("[UP] %s %s %.1fs %s", e.Name, e.Address, e.Seconds, memory(e.RSS)), " "))
	case launch.Down:
		text := fmt.Sprintf("[DOWN] %s after %.1fs: %s", e.Name, e.Seconds, e.Reason)
		if len(e.Lines) > 0 {
			text += fmt.Sprintf("\n  the end of %s:\n    %s", e.Log, strings.Join(e.Lines, "\n    "))
		}
		if e.Lasting {
			text += "\n  `kit restart " + e.Name + "` starts it again"
		}
		s.print(text)
	case launch.Paused:
		s.print("[PAUSED] " + e.Name)
	case launch.Resumed:
		s.print("[RESUMED] " + e.Name)
	case launch.Stopped:
		s.print("[STOPPED] " + e.Name)
	case launch.Note:
		s.print(e.Reason)
	}
}

func memory(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return launch.MB(bytes)
}

// lineEvery is how often a download gets a line where there is no terminal.
const lineEvery = 5 * time.Second

func (s *screen) fetch(p provision.Progress) {
	switch {
	case p.Finished:
		delete(s.fetching, p.Name)
		size := ""
		if p.Total > 0 {
			size = " " + launch.MB(p.Total)
		}
		s.print(fmt.Sprintf("[GOT] %s%s %.1fs", p.Name, size, p.Elapsed.Seconds()))
	case s.terminal:
		s.fetching[p.Name] = p
	case time.Since(s.said[p.Name]) > lineEvery:
		s.said[p.Name] = time.Now()
		s.print(fmt.Sprintf("[GET] %s %s", p.Name, howFar(p)))
	}
	if s.terminal {
		s.drawBar()
	}
}

func howFar(p provision.Progress) string {
	if p.Total == 0 {
		return p.Doing
	}
	return fmt.Sprintf("%s of %s: %s", launch.MB(p.Done), launch.MB(p.Total), p.Doing)
}

// drawBar shows everything that is being fetched as one bar.
func (s *screen) drawBar() {
	if len(s.fetching) == 0 {
		if s.bar != nil {
			_ = s.bar.Clear()
			s.bar = nil
		}
		return
	}
	var done, total int64
	for _, p := range s.fetching {
		done += min(p.Done, p.Total)
		total += p.Total
	}
	if s.bar == nil {
		s.bar = progressbar.NewOptions64(max(1, total), progressbar.OptionSetWriter(s.out),
			progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(24), progressbar.OptionThrottle(100*time.Millisecond))
	}
	s.bar.ChangeMax64(max(1, total))
	s.bar.Describe(strings.Join(slices.Sorted(maps.Keys(s.fetching)), ", "))
	_ = s.bar.Set64(min(done, max(1, total)-1)) // a full bar would end itself
}
