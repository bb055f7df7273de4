package provider

import "time"

// An Observer is told what a Provider does, by many goroutines at once. It must
// not block.
type Observer interface {
	// Request tells of one of the API, by its pattern, and of its answer: "ok", the
	// status of a refusal, or "none" where there was no answer.
	Request(route, status string, took time.Duration)
	// Notice tells what came of sending one: "delivered", "failed", "given up".
	Notice(outcome string)
	// Waiting tells how many notices nobody has taken yet.
	Waiting(notices int)
}

// unobserved is the Observer where there is none.
type unobserved struct{}

func (unobserved) Request(string, string, time.Duration) {}
func (unobserved) Notice(string)                         {}
func (unobserved) Waiting(int)                           {}
