package fanout

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/wire"
)

// Routes knows which gateway holds which device. A gateway is in it before it
// reads the device's inbox, so that a device that isn't found, after a row was written
// for it, reads that row.
type Routes interface {
	// Gateways returns the devices by the gateways that hold them; those that
	// nobody holds are left out.
	Gateways(ctx context.Context, devices []messaging.Address) (map[string][]messaging.Address, error)
}

// A Delivery is a frame on its way to devices of one gateway, which passes it on as it
// is: a message is read and written once, however many gateways bring it.
type Delivery struct {
	Conversation messaging.ConversationID `json:"conversation"`
	Seq          messaging.Seq            `json:"seq"` // how far the conversation is
	To           []messaging.Address      `json:"to"`
	Frame        []byte                   `json:"frame"` // a wire.Message or a wire.Notice
}

// Deliveries brings frames to gateways.
type Deliveries interface {
	// Deliver returns when they are on their way. Those of one caller arrive in
	// the order of its calls, each once or, after an error, more often.
	Deliver(ctx context.Context, gateway string, deliveries []Delivery) error
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
func (r *Router) divide(announcements []Announcement, places Places) map[string][]Delivery {
	byGateway := map[string][]Delivery{}
	for _, a := range announcements {
		framed := frames{of: a}
		if !places.known {
			all := framed.to(a.To)
			for _, gateway := range r.All() {
				byGateway[gateway] = append(byGateway[gateway], all...)
			}
			continue
		}
		to := map[string][]messaging.Address{}
		for _, device := range a.To {
			if gateway, ok := places.at[device]; ok {
				to[gateway] = append(to[gateway], device)
			}
		}
		for gateway, its := range to {
			byGateway[gateway] = append(byGateway[gateway], framed.to(its)...)
		}
	}
	return byGateway
}

// frames makes those of an announcement, each once.
type frames struct {
	of     Announcement
	shared []byte // of all who need the same
}

// to returns what brings devices theirs: a frame for each that has a body of its own,
// and one for all others.
func (f *frames) to(devices []messaging.Address) (all []Delivery) {
	m := f.of.Message
	others := Delivery{Conversation: m.Conversation, Seq: m.Seq}
	for _, device := range devices {
		if own := m.Body.For(device); len(own.To) > 0 { // a notice has no bodies
			alone := m
			alone.Body = own
			all = append(all, Delivery{m.Conversation, m.Seq, []messaging.Address{device}, wire.Encode(wire.Message{Message: alone})})
			continue
		}
		others.To = append(others.To, device)
	}
	if len(others.To) == 0 {
		return all
	}
	if f.shared == nil && f.of.Notice {
		f.shared = wire.Encode(wire.Notice{Conversation: m.Conversation, Seq: m.Seq})
	} else if f.shared == nil {
		m.Body.To = nil
		f.shared = wire.Encode(wire.Message{Message: m})
	}
	others.Frame = f.shared
	return append(all, others)
}
