package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"designkits/infra/supervise"
)

func logsCommand(o *options) *cobra.Command {
	var follow bool
	var tail int
	cmd := &cobra.Command{
		Use:   "logs [NAME...]",
		Short: "The logs of backends and processes; -f goes on as they grow",
		Long: "The logs of backends and processes: the end of each, all without a name. They are files below .kit/logs,\n" +
			"with that of the run before as .log.1. What `kit up` itself has to say is named kit.",
		RunE: func(cmd *cobra.Command, args []string) error {
			place, err := o.place()
			if err != nil {
				return err
			}
			logs, err := openLogs(place.State, args)
			if err != nil {
				return err
			}
			defer func() {
				for _, l := range logs {
					_ = l.file.Close()
				}
			}()
			out := cmd.OutOrStdout()
			for _, l := range logs {
				if err := l.seekTail(tail); err != nil {
					return err
				}
				if err := l.copy(out, len(logs) > 1); err != nil {
					return err
				}
			}
			if !follow {
				return nil
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			tick := time.NewTicker(200 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-tick.C:
				}
				for _, l := range logs {
					if err := errors.Join(l.copy(out, len(logs) > 1), l.reopen()); err != nil {
						return err
					}
				}
			}
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as they grow, until Ctrl-C")
	cmd.Flags().IntVarP(&tail, "lines", "n", 20, "how many lines of each to begin with")
	return cmd
}

// A logFile is one log that is being read.
type logFile struct {
	name, path string
	file       *os.File
	partial    string
}

// openLogs opens the logs of the names; a name also means its group.
func openLogs(state string, names []string) ([]*logFile, error) {
	paths, err := filepath.Glob(filepath.Join(state, "logs", "*.log"))
	if err != nil {
		return nil, fmt.Errorf("logs: %w", err)
	}
	var known []string
	for _, p := range paths {
		known = append(known, strings.TrimSuffix(filepath.Base(p), ".log"))
	}
	for _, name := range names {
		if !slices.ContainsFunc(known, func(k string) bool { return named(k, name) }) {
			return nil, usage{&supervise.UnknownName{Name: name, Known: known}}
		}
	}
	var logs []*logFile
	for i, path := range paths {
		if len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return named(known[i], name) }) {
			continue
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("logs: %w", err)
		}
		logs = append(logs, &logFile{name: known[i], path: path, file: f})
	}
	return logs, nil
}

// named reports whether a log is that of a name or of its group; "/" in names
// is "-" in files.
func named(log, name string) bool {
	name = strings.ReplaceAll(name, "/", "-")
	return log == name || strings.HasPrefix(log, name+"-")
}

// seekTail goes to the last n lines.
func (l *logFile) seekTail(n int) error {
	raw, err := io.ReadAll(l.file)
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	at := len(raw)
	if at > 0 && raw[at-1] == '\n' {
		at--
	}
	for ; n > 0 && at >= 0; n-- {
		at = strings.LastIndexByte(string(raw[:at]), '\n')
	}
	if _, err := l.file.Seek(int64(at+1), io.SeekStart); err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	return nil
}

// copy prints what has come since.
func (l *logFile) copy(out io.Writer, prefixed bool) error {
	in := bufio.NewReader(l.file)
	for {
		text, err := in.ReadString('\n')
		l.partial += text
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("logs: %w", err)
		}
		if prefixed {
			_, err = fmt.Fprintf(out, "%-22s | %s", l.name, l.partial)
		} else {
			_, err = io.WriteString(out, l.partial)
		}
		l.partial = ""
		if err != nil {
			return err
		}
	}
}

// reopen goes on with the new file after a restart has put the old one aside.
func (l *logFile) reopen() error {
	have, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	now, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && os.SameFile(have, now) {
		return nil
	}
	next, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	_ = l.file.Close()
	l.file, l.partial = next, ""
	return nil
}
