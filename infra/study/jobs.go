package study

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Job is one command of the kit, run for the reader. It goes on when the page
// is closed; a page that comes back gets all of its lines again.
type Job struct {
	ID      string `json:"id"`
	Case    string `json:"case"`
	Do      string `json:"do"`   // "up", "curveball" …
	Name    string `json:"name"` // of the curveball or exercise
	Command string `json:"command"`
	Ended   bool   `json:"ended"`
	Exit    int    `json:"exit"`

	cancel  context.CancelFunc
	lines   []string
	changed chan struct{} // closed with the next change
}

const (
	keptJobs  = 20               // that have ended
	maxLine   = 8 << 20          // a report is one line
	maxLines  = 20000            // a second of a load is one, too
	heartbeat = 15 * time.Second // less than the page takes for silence
	endWithin = 30 * time.Second // an experiment mends what it has broken
)

type jobs struct {
	mu   sync.Mutex
	all  []*Job
	next int
	// open ends every job with the page.
	open  context.Context
	end   context.CancelFunc
	under sync.WaitGroup
}

func newJobs() *jobs {
	ctx, cancel := context.WithCancel(context.Background())
	return &jobs{open: ctx, end: cancel}
}

func (j *jobs) close() {
	j.end()
	j.under.Wait()
}

// commands are what the page may have the kit do, by what it asks for.
var commands = map[string]func(caseName, name string) []string{
	"up":        func(c, _ string) []string { return []string{"up", c} },
	"down":      func(c, _ string) []string { return []string{"down", c} },
	"curveball": func(c, name string) []string { return []string{"curveball", c, name, "--lines"} },
	"start":     func(c, name string) []string { return []string{"exercise", "start", c + "/" + name} },
	"check":     func(c, name string) []string { return []string{"exercise", "check", c + "/" + name} },
	"hint":      func(c, name string) []string { return []string{"exercise", "hint", c + "/" + name} },
}

// jobName keeps a name from being read as a flag or a path.
var jobName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,80}$`)

func (s *Server) startJob(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	var ask struct{ Do, Name string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<12)).Decode(&ask); err != nil {
		return refusef(http.StatusBadRequest, "read what to do: %v", err)
	}
	arguments, ok := commands[ask.Do]
	if !ok || ask.Name != "" && !jobName.MatchString(ask.Name) {
		return refusef(http.StatusBadRequest, "there is nothing to do by the name of %q %q", ask.Do, ask.Name)
	}
	job, err := s.jobs.start(Job{Case: c.Name, Do: ask.Do, Name: ask.Name}, func(ctx context.Context) *exec.Cmd {
		return s.kit.Command(ctx, arguments(c.Name, ask.Name)...)
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(job) // the client may have gone
	return nil
}

// start runs a command, unless one like it is under way.
func (j *jobs) start(job Job, command func(context.Context) *exec.Cmd) (Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.open.Err(); err != nil {
		return Job{}, fmt.Errorf("the study page is ending: %w", err)
	}
	for _, other := range j.all {
		if !other.Ended && other.Case == job.Case && other.Do == job.Do {
			return Job{}, refusef(http.StatusConflict, "%q is under way; wait for it or end it", other.Command)
		}
	}
	j.next++
	job.ID = strconv.Itoa(j.next)
	job.changed = make(chan struct{})
	ctx, cancel := context.WithCancel(j.open)
	job.cancel = cancel
	cmd := command(ctx)
	cmd.WaitDelay = endWithin
	job.Command = "kit " + strings.Join(cmd.Args[1:], " ")
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		cancel()
		return Job{}, fmt.Errorf("run %s: %w", job.Command, err)
	}
	running := &job
	j.all = append(j.all, running)
	j.forgetOld()
	read := make(chan struct{})
	go func() {
		defer close(read)
		j.readLines(running, out)
	}()
	j.under.Go(func() {
		defer cancel()
		err := cmd.Wait()
		_ = in.Close()
		<-read
		j.change(running, func() {
			running.Ended, running.Exit = true, cmd.ProcessState.ExitCode()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				running.lines = append(running.lines, err.Error())
			}
		})
	})
	return *running, nil
}

func (j *jobs) readLines(job *Job, out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		j.change(job, func() {
			if len(job.lines) < maxLines {
				job.lines = append(job.lines, lines.Text())
			}
		})
	}
	_, _ = io.Copy(io.Discard, out) // after a line that was too long
}

func (j *jobs) change(job *Job, do func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	do()
	close(job.changed)
	job.changed = make(chan struct{})
}

// forgetOld lets the oldest go that have ended.
func (j *jobs) forgetOld() {
	ended := 0
	for i := len(j.all) - 1; i >= 0; i-- {
		if j.all[i].Ended {
			if ended++; ended > keptJobs {
				j.all = slices.Delete(j.all, i, i+1)
			}
		}
	}
}

// after returns a job as it is, its lines from n on, and what tells of a change.
func (j *jobs) after(id string, n int) (job Job, lines []string, changed <-chan struct{}, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, job := range j.all {
		if job.ID == id {
			return *job, slices.Clone(job.lines[min(n, len(job.lines)):]), job.changed, true
		}
	}
	return Job{}, nil, nil, false
}

func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) error {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	list := []Job{}
	for _, job := range s.jobs.all {
		if job.Case == r.PathValue("case") {
			list = append(list, *job)
		}
	}
	return answer(w, list)
}

// followJob streams "job", then each "line", then "end".
func (s *Server) followJob(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	job, lines, changed, ok := s.jobs.after(id, 0)
	if !ok {
		return refusef(http.StatusNotFound, "there is no job %q", id)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	send := func(event string, data any) {
		raw, _ := json.Marshal(data) // strings and jobs always marshal
		_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, raw)
	}
	send("job", job)
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	for n := 0; ; {
		for _, line := range lines {
			send("line", line)
		}
		n += len(lines)
		if job.Ended {
			send("end", job)
			return nil
		}
		if flush.Flush() != nil {
			return nil // the client has gone
		}
		select {
		case <-changed:
		case <-alive.C:
			_, _ = fmt.Fprint(w, ": still there\n\n")
		case <-r.Context().Done():
			return nil
		}
		if job, lines, changed, ok = s.jobs.after(id, n); !ok {
			return nil
		}
	}
}

func (s *Server) endJob(w http.ResponseWriter, r *http.Request) error {
	job, _, _, ok := s.jobs.after(r.PathValue("id"), 0)
	if !ok {
		return refusef(http.StatusNotFound, "there is no job %q", r.PathValue("id"))
	}
	job.cancel()
	w.WriteHeader(http.StatusNoContent)
	return nil
}
