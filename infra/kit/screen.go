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
	restart  string // the command that its hints name

	mu       sync.Mutex
	bar      *progressbar.ProgressBar
	spinning bool // the bar has no end
	fetching map[string]provision.Progress
	said     map[string]time.Time // when a line about a download was last printed
}

// newScreen returns one whose hints name the state folder, where one was given.
func newScreen(o *options) *screen {
	restart := "kit restart"
	if o.state != "" {
		restart += " --state " + o.state
	}
	return &screen{out: os.Stdout, terminal: term.IsTerminal(int(os.Stdout.Fd())), restart: restart,
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
			text += "\n  `" + s.restart + " " + e.Name + "` starts it again"
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

// lineEvery is how often a long step gets a line where there is no terminal.
const lineEvery = 10 * time.Second

func (s *screen) fetch(p provision.Progress) {
	doing, done := "[GET]", "[GOT]"
	if strings.Contains(p.Doing, "build") || strings.Contains(p.Doing, "built") {
		doing, done = "[BUILD]", "[BUILT]"
	}
	size := ""
	if p.Total > 0 {
		size = " " + launch.MB(p.Total)
	}
	switch {
	case p.Finished:
		delete(s.fetching, p.Name)
		s.print(fmt.Sprintf("%s %s%s %.1fs", done, p.Name, size, p.Elapsed.Seconds()))
	case s.terminal:
		s.fetching[p.Name] = p
	case time.Since(s.said[p.Name]) > lineEvery:
		s.said[p.Name] = time.Now()
		if p.Total > 0 {
			size = fmt.Sprintf(" %s of%s:", launch.MB(p.Done), size)
		}
		s.print(fmt.Sprintf("%s %s%s %s %.0fs", doing, p.Name, size, p.Doing, p.Elapsed.Seconds()))
	}
	if s.terminal {
		s.drawBar()
	}
}

// drawBar shows everything that is under way as one bar, or as a spinner where
// its size isn't known.
func (s *screen) drawBar() {
	var done, total int64
	for _, p := range s.fetching {
		done += min(p.Done, p.Total)
		total += p.Total
	}
	if s.bar != nil && (len(s.fetching) == 0 || s.spinning != (total == 0)) {
		_ = s.bar.Clear()
		s.bar = nil
	}
	if len(s.fetching) == 0 {
		return
	}
	size := max(1, total)
	if total == 0 {
		size = -1
	}
	if s.bar == nil {
		s.spinning = total == 0
		s.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(s.out), progressbar.OptionShowBytes(total > 0),
			progressbar.OptionSetWidth(24), progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false),
			progressbar.OptionSpinnerType(14), progressbar.OptionSetSpinnerChangeInterval(0))
	}
	s.bar.Describe(strings.Join(slices.Sorted(maps.Keys(s.fetching)), ", "))
	if total > 0 {
		s.bar.ChangeMax64(size)
		_ = s.bar.Set64(min(done, size-1)) // a full bar would end itself
	}
	_ = s.bar.RenderBlank()
}
