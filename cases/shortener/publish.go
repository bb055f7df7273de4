package shortener

import (
	"context"
	"sync"
	"time"
)

// A Publisher brings a change of a link, once the store has it, to every cache:
// this process's, the shared one, through Changes those of the other replicas,
// and that of the edge, in this order. What can't be brought out, since Redis is away, waits
// here and is tried again until it can. Only if this process dies before may the
// other replicas go on with an old entry, for at most ResolverConfig.SharedFor in
// the shared cache and HeldFor in process after that.
//
// It does not go through the Breaker: a change that waited for the breaker to
// close would reach the other replicas half a minute late.
type Publisher struct {
	// Edge is told as well, when there is one that keeps redirects. It is set
	// before the first change.
	Edge Edge

	resolver *Resolver
	shared   SharedCache
	changes  Changes
	size     int

	mu      sync.Mutex
	waiting map[Code]Entry // the last change of each code
	more    chan struct{}  // has a token while something waits
}

// An Edge answers redirects by itself for a while, in front of all replicas.
type Edge interface {
	// Purge makes the edge answer for the code as from the given version on. It
	// fails when that can't be made sure.
	Purge(ctx context.Context, code Code, version int64) error
}

// The pace of the Publisher.
const (
	publishWithin = 250 * time.Millisecond // for one change
	publishPause  = 100 * time.Millisecond // between two tries
)

// NewPublisher returns a publisher in which at most size changes wait.
func NewPublisher(resolver *Resolver, shared SharedCache, changes Changes, size int) *Publisher {
	return &Publisher{
		resolver: resolver, shared: shared, changes: changes, size: size,
		waiting: map[Code]Entry{}, more: make(chan struct{}, 1),
	}
}

// Room returns ErrBusy while no more changes can wait. A writer asks before it
// changes the store.
func (p *Publisher) Room() error {
	if p.Waiting() >= p.size {
		return ErrBusy
	}
	return nil
}

// Waiting is how many changes have not been brought out yet.
func (p *Publisher) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// Publish brings out the entry that the store holds from now on. It returns
// when all caches were told, or when the change waits to be told to them.
func (p *Publisher) Publish(ctx context.Context, e Entry) {
	p.resolver.Apply(e)
	// The caller going away doesn't undo the change.
	ctx = context.WithoutCancel(ctx)
	if p.Waiting() > 0 || p.tell(ctx, e) != nil {
		p.wait(e)
	}
}

// Prime holds a new link in this process, where whoever made it tries it first.
// Nobody else can hold anything of it yet, so there is nobody to tell. The shared
// cache gets it when somebody asks another process for it: a link that nobody
// follows takes no room there, and making one needs no trip.
func (p *Publisher) Prime(l Link) { p.resolver.Apply(Entry{Link: l}) }

func (p *Publisher) tell(ctx context.Context, e Entry) error {
	ctx, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	// The cache first: whoever hears of the change may read it there at once.
	if err := p.shared.Fill(ctx, e, p.resolver.sharedTTL(e)); err != nil {
		return err
	}
	if err := p.changes.Announce(ctx, e); err != nil || p.Edge == nil {
		return err
	}
	// The edge last: it asks a replica again, which must have heard of it.
	return p.Edge.Purge(ctx, e.Link.Code, e.Link.Version)
}

func (p *Publisher) wait(e Entry) {
	p.mu.Lock()
	if held, ok := p.waiting[e.Link.Code]; !ok || held.Link.Version <= e.Link.Version {
		p.waiting[e.Link.Code] = e
	}
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// Run brings out what waits, until the context ends; then once more.
func (p *Publisher) Run(ctx context.Context) error {
	for {
		select {
		case <-p.more:
		case <-ctx.Done():
			p.flush(context.WithoutCancel(ctx))
			return ctx.Err()
		}
		for !p.flush(ctx) {
			select {
			case <-time.After(publishPause):
			case <-ctx.Done():
				p.flush(context.WithoutCancel(ctx))
				return ctx.Err()
			}
		}
	}
}

// flush tells what waits and reports whether nothing is left. It gives up at
// the first failure: the next would wait just as long.
func (p *Publisher) flush(ctx context.Context) bool {
	for {
		var next Entry
		p.mu.Lock()
		for _, next = range p.waiting {
			break
		}
		left := len(p.waiting)
		p.mu.Unlock()
		if left == 0 {
			return true
		}
		if p.tell(ctx, next) != nil {
			return false
		}
		p.mu.Lock()
		if p.waiting[next.Link.Code].Link.Version == next.Link.Version {
			delete(p.waiting, next.Link.Code)
		}
		p.mu.Unlock()
	}
}
