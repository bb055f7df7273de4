// Package operator is what whoever runs the messenger sees of it at a glance: how many
// devices each gateway holds, how much goes through it, who owns which partition of
// the conversations, and how far each owner is behind with storing what it has
// committed. For what was an hour ago there are the metrics.
//
// Each process reports on itself every few seconds, to a place where every gateway
// finds all reports; a process that is registered and doesn't report is shown as such.
package operator

import (
	"cmp"
	"context"
	"slices"
	"time"

	"designkits/cases/messaging"
)

const (
	// ReportEvery is how often a process reports.
	ReportEvery = 2 * time.Second
	// ReportFor is how long a report is kept: a process that has missed four is said
	// to be silent.
	ReportFor = 5 * ReportEvery
)

// A Report is a process's on itself: a gateway's or a chat process's.
type Report struct {
	At      time.Time `json:"at"`
	Gateway *Traffic  `json:"gateway,omitempty"`
	Chat    *Lag      `json:"chat,omitempty"`
}

// Traffic is what a gateway has to do.
type Traffic struct {
	Connections int   `json:"connections"`
	Devices     int   `json:"devices"` // connections with a session
	PerSecond   Rates `json:"perSecond"`
}

// Rates are of the time since the report before, a second.
type Rates struct {
	Sent         float64 `json:"sent"`         // messages of devices that were committed
	Delivered    float64 `json:"delivered"`    // messages and notices brought to devices as they came
	Acknowledged float64 `json:"acknowledged"` // by devices
	Told         float64 `json:"told"`         // typing, receipts and presence
	CaughtUp     float64 `json:"caughtUp"`     // devices
	Refused      float64 `json:"refused"`      // frames
}

// Since turns counts into rates: those of r since before, which was so long ago.
func (r Rates) Since(before Rates, ago time.Duration) Rates {
	per := func(now, then float64) float64 { return (now - then) / max(ago.Seconds(), 0.001) }
	return Rates{
		Sent: per(r.Sent, before.Sent), Delivered: per(r.Delivered, before.Delivered), Acknowledged: per(r.Acknowledged, before.Acknowledged),
		Told: per(r.Told, before.Told), CaughtUp: per(r.CaughtUp, before.CaughtUp), Refused: per(r.Refused, before.Refused),
	}
}

// A Lag is how many messages are committed and not applied, by partition that a chat
// process owns.
type Lag struct {
	Behind map[messaging.Partition]int `json:"behind"`
}

// Reports is where reports are. They may be lost.
type Reports interface {
	// Put replaces the process's report, which is kept for ReportFor.
	Put(ctx context.Context, process string, r Report) error
	// Of returns the reports of processes, by name; those that are silent are left out.
	Of(ctx context.Context, processes []string) (map[string]Report, error)
}

// Keep reports until the context ends, and says so where it fails.
func Keep(ctx context.Context, to Reports, process string, report func(now time.Time) Report, failed func(error)) error {
	ticker := time.NewTicker(ReportEvery)
	defer ticker.Stop()
	for {
		within, cancel := context.WithTimeout(ctx, ReportEvery)
		if err := to.Put(within, process, report(time.Now())); err != nil && ctx.Err() == nil {
			failed(err)
		}
		cancel()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A Process is one that is registered; Report is nil of one that is silent.
type Process struct {
	Name    string  `json:"name"`
	Address string  `json:"address"`
	Report  *Report `json:"report,omitempty"`
}

// An Owner is who owns a partition; Behind is nil where that isn't known.
type Owner struct {
	Partition messaging.Partition `json:"partition"`
	Owner     string              `json:"owner,omitempty"` // a chat process's name; "" while nobody does
	Behind    *int                `json:"behind,omitempty"`
}

// A View is all of it.
type View struct {
	At         time.Time `json:"at"`
	Gateways   []Process `json:"gateways"`
	Chats      []Process `json:"chats"`
	Partitions []Owner   `json:"partitions"` // all of them, in order
}

// Look puts a view together of who is registered, by name, which address owns which
// partition, and what the processes report.
func Look(ctx context.Context, from Reports, now time.Time, gateways, chats []Process, owners map[messaging.Partition]string) (View, error) {
	v := View{At: now.UTC(), Gateways: slices.Clone(gateways), Chats: slices.Clone(chats)}
	var names []string
	for _, p := range slices.Concat(gateways, chats) {
		names = append(names, p.Name)
	}
	reports, err := from.Of(ctx, names)
	if err != nil {
		return View{}, err
	}
	named := map[string]string{} // chat processes by address
	for _, of := range [][]Process{v.Gateways, v.Chats} {
		for i, p := range of {
			if r, ok := reports[p.Name]; ok {
				of[i].Report = &r
			}
		}
		slices.SortFunc(of, func(a, b Process) int { return cmp.Compare(a.Name, b.Name) })
	}
	for _, p := range v.Chats {
		named[p.Address] = p.Name
	}
	for p := range messaging.Partition(messaging.Partitions) {
		o := Owner{Partition: p, Owner: cmp.Or(named[owners[p]], owners[p])}
		if r, ok := reports[o.Owner]; ok && r.Chat != nil {
			if behind, ok := r.Chat.Behind[p]; ok {
				o.Behind = &behind
			}
		}
		v.Partitions = append(v.Partitions, o)
	}
	return v, nil
}
