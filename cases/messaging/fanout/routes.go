package fanout

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
)

// Routes knows which gateway holds which device. A gateway is in it before it
// reads the device's inbox, so that a device that isn't found, after a row was written
// for it, reads that row.
type Routes interface {
	// Gateways returns the devices by the gateways that hold them; those that
	// nobody holds are left out.
	Gateways(ctx context.Context, devices []messaging.Address) (map[string][]messaging.Address, error)
}

// Deliveries brings announcements to gateways.
type Deliveries interface {
	// Deliver returns when they are on their way. Those of one caller arrive in
	// the order of its calls, each once or, after an error, more often.
	Deliver(ctx context.Context, gateway string, announcements []Announcement) error
}

// A Router is the Announcer: it sends each gateway what its devices are to hear.
type Router struct {
	// Routes may be nil: then they are never known.
	Routes     Routes
	Deliveries Deliveries
	// All are the names of the gateways there are. While the routes are not known
	// each gets everything, and leaves out what it has no device for.
	All func() []string
	// Unrouted is told why the routes are not known.
	Unrouted func(error)
}

// Places are where devices are.
type Places struct {
	at    map[messaging.Address]string // by gateway
	known bool
}

// Holds reports whether a gateway is known to hold the device.
func (p Places) Holds(a messaging.Address) bool { return p.at[a] != "" }

// Find implements Announcer.
func (r *Router) Find(ctx context.Context, announcements []Announcement) Places {
	if r.Routes == nil {
		return Places{}
	}
	var devices []messaging.Address
	for _, a := range announcements {
		devices = append(devices, a.To...)
	}
	slices.SortFunc(devices, messaging.Address.Compare)
	if devices = slices.Compact(devices); len(devices) == 0 {
		return Places{known: true}
	}
	held, err := r.Routes.Gateways(ctx, devices)
	if err != nil {
		r.Unrouted(err)
		return Places{}
	}
	p := Places{at: make(map[messaging.Address]string, len(devices)), known: true}
	for gateway, its := range held {
		for _, device := range its {
			p.at[device] = gateway
		}
	}
	return p
}

// Announce implements Announcer.
func (r *Router) Announce(ctx context.Context, announcements []Announcement, at Places) error {
	work, ctx := errgroup.WithContext(ctx)
	for gateway, its := range r.divide(announcements, at) {
		work.Go(func() error { return r.Deliveries.Deliver(ctx, gateway, its) })
	}
	return work.Wait()
}

// divide says what goes to which gateway, in order.
func (r *Router) divide(announcements []Announcement, places Places) map[string][]Announcement {
	byGateway := map[string][]Announcement{}
	if !places.known {
		for _, gateway := range r.All() {
			byGateway[gateway] = announcements
		}
		return byGateway
	}
	for _, a := range announcements {
		to := map[string][]messaging.Address{}
		for _, device := range a.To {
			if gateway, ok := places.at[device]; ok {
				to[gateway] = append(to[gateway], device)
			}
		}
		for gateway, its := range to {
			byGateway[gateway] = append(byGateway[gateway], Announcement{Message: a.Message, To: its, Notice: a.Notice})
		}
	}
	return byGateway
}
