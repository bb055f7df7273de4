package launch

import (
	"sync"
	"time"

	"designkits/infra/provision"
)

// pulseEvery is how often a long step is told of again when nothing of it is
// heard, so that a person sees that it goes on.
const pulseEvery = time.Second

// A pulse passes progress on and repeats the last of each until it has
// finished.
type pulse struct {
	tell func(provision.Progress)

	mu    sync.Mutex
	last  map[string]provision.Progress
	begun map[string]time.Time
}

// startPulse begins; stop ends it and waits.
func startPulse(tell func(provision.Progress)) (p *pulse, stop func()) {
	p = &pulse{tell: tell, last: map[string]provision.Progress{}, begun: map[string]time.Time{}}
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(pulseEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.repeat()
			case <-ending:
				return
			}
		}
	}()
	return p, func() { close(ending); <-ended }
}

func (p *pulse) report(progress provision.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.begun[progress.Name]; !known {
		p.begun[progress.Name] = time.Now().Add(-progress.Elapsed)
	}
	p.last[progress.Name] = progress
	if progress.Finished {
		delete(p.last, progress.Name)
		delete(p.begun, progress.Name)
	}
	p.tell(progress)
}

func (p *pulse) repeat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, progress := range p.last {
		progress.Elapsed = time.Since(p.begun[name])
		p.tell(progress)
	}
}
