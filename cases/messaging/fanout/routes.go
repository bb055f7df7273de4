package fanout

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
)

// Routes knows which gateway holds which device. A gateway is in it before it
// reads the device's inbox, so that what is announced to nobody was in the inbox
// by then.
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

// Announce implements Announcer.
func (r *Router) Announce(ctx context.Context, announcements []Announcement) error {
	byGateway := r.divide(ctx, announcements)
	work, ctx := errgroup.WithContext(ctx)
	for gateway, its := range byGateway {
		work.Go(func() error { return r.Deliveries.Deliver(ctx, gateway, its) })
	}
	return work.Wait()
}

// divide says what goes to which gateway, in order.
func (r *Router) divide(ctx context.Context, announcements []Announcement) map[string][]Announcement {
	byGateway := map[string][]Announcement{}
	at, known := r.routes(ctx, announcements)
	if !known {
		for _, gateway := range r.All() {
			byGateway[gateway] = announcements
		}
		return byGateway
	}
	for _, a := range announcements {
		to := map[string][]messaging.Address{}
		for _, device := range a.To {
			if gateway, ok := at[device]; ok {
				to[gateway] = append(to[gateway], device)
			}
		}
		for gateway, its := range to {
			byGateway[gateway] = append(byGateway[gateway], Announcement{Message: a.Message, To: its, Notice: a.Notice})
		}
	}
	return byGateway
}

// routes are the gateways of the devices that the announcements go to.
func (r *Router) routes(ctx context.Context, announcements []Announcement) (at map[messaging.Address]string, known bool) {
	if r.Routes == nil {
		return nil, false
	}
	var devices []messaging.Address
	for _, a := range announcements {
		devices = append(devices, a.To...)
	}
	slices.SortFunc(devices, messaging.Address.Compare)
	if devices = slices.Compact(devices); len(devices) == 0 {
		return nil, true
	}
	held, err := r.Routes.Gateways(ctx, devices)
	if err != nil {
		r.Unrouted(err)
		return nil, false
	}
	at = make(map[messaging.Address]string, len(devices))
	for gateway, its := range held {
		for _, device := range its {
			at[device] = gateway
		}
	}
	return at, true
}
