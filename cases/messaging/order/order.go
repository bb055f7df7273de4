// Package order gives each message of a conversation its number: one sequence a
// conversation, a number once, a message once.
//
// An Owner does it for one partition, alone, in one goroutine: what many callers
// bring meanwhile is checked, numbered and committed together. The commit to the
// partition's log decides. Whoever lost the partition meanwhile fails there with
// ErrFenced, so that two who both believe to own it can't both commit; the one
// that fails has told nobody that anything was sent.
//
// What is committed is applied behind it, in order: see Config.Apply. After a
// crash the next owner applies what the last one hadn't before it accepts anything,
// so what it then reads from the stores is all there is.
//
// Not guaranteed: that a message which is sent again after more than Remembered
// others of its conversation is recognised.
package order

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/gather"
)

// Config is what an Owner needs. The zero value of the last six means their
// default.
type Config struct {
	Log     messaging.OwnedLog
	History messaging.History
	Rosters messaging.Rosters
	// Apply stores and announces committed messages, in order, those of the last
	// owner that aren't marked as applied. It is repeated until it succeeds.
	Apply func(ctx context.Context, messages []messaging.Message) error
	// Push does the same with what this owner commits, and may leave something of it
	// to Settle; the default is Apply.
	Push func(ctx context.Context, messages []messaging.Message) error
	// Settle goes on with what Push has left, and returns the last message up to
	// which nothing is left, nil while there is none. It is called once a second.
	// Without it Push leaves nothing.
	Settle func(ctx context.Context) (*messaging.Message, error)
	// Refused is told of each try of Apply, Push or Settle that failed.
	Refused func(error)

	Behind int           // messages committed and not applied, above which drafts are refused; default 4096
	Tails  int           // conversations that are remembered; default 50,000
	People int           // that a conversation has in its life; default messaging.MaxRoster
	Pause  time.Duration // between two tries of Apply; default 100 ms
	Within time.Duration // for a commit, after which the partition is lost; default 5 s
	Now    func() time.Time
}

const (
	// batch is how many calls are committed together at most, and how many
	// messages are applied together.
	batch = 256
	// markEvery is how often it is marked how far the log is applied: what a crash
	// makes the next owner apply once more, against a request to the log for each batch.
	markEvery = time.Second
	// MaxDrafts is how many drafts a call has at most.
	MaxDrafts = 256
)

// An Owner orders the messages of a partition. Its methods may be called by many
// goroutines at once.
type Owner struct {
	cfg    Config
	drafts *gather.Gatherer[*request]
	tails  tails // of the gatherer's one lane

	committed chan []messaging.Message
	behind    atomic.Int64                      // messages committed and not applied
	last      atomic.Pointer[messaging.Message] // that is applied
	ended     chan struct{}
	end       sync.Once
	why       error // set before ended is closed
}

// A Result is what came of a draft: the message, or why there is none.
type Result struct {
	Message messaging.Message
	Err     error
}

// request is one call.
type request struct {
	drafts  []messaging.Draft
	results []Result
}

// Open applies what is committed and not applied, and returns an owner that is
// ready. Run has to run until it is closed.
func Open(ctx context.Context, cfg Config) (*Owner, error) {
	if cfg.Behind == 0 {
		cfg.Behind = 4096
	}
	if cfg.Tails == 0 {
		cfg.Tails = 50_000
	}
	if cfg.People == 0 {
		cfg.People = messaging.MaxRoster
	}
	if cfg.Pause == 0 {
		cfg.Pause = 100 * time.Millisecond
	}
	if cfg.Within == 0 {
		cfg.Within = 5 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Push == nil {
		cfg.Push = cfg.Apply
	}
	err := cfg.Log.Unapplied(ctx, func(ctx context.Context, messages []messaging.Message) error {
		return apply(ctx, cfg, cfg.Apply, messages)
	})
	if err != nil {
		return nil, fmt.Errorf("apply what the last owner has left: %w", err)
	}
	// Each batch is a message at least, so that this many fit.
	o := &Owner{cfg: cfg, ended: make(chan struct{}), committed: make(chan []messaging.Message, cfg.Behind+1)}
	o.tails = tails{history: cfg.History, rosters: cfg.Rosters, max: cfg.Tails, people: cfg.People, byID: map[messaging.ConversationID]*tail{}}
	o.drafts = gather.New(gather.Config[*request]{Max: batch, Send: o.commit, Within: cfg.Within})
	return o, nil
}

// Behind is how many messages are committed and not applied.
func (o *Owner) Behind() int { return int(o.behind.Load()) }

// Ended is closed when the owner can accept nothing any more.
func (o *Owner) Ended() <-chan struct{} { return o.ended }

// Accept gives drafts their places, in this order, and returns when they are
// committed; one that has its place already gets the same again. A result's error
// is a *Invalid, ErrNotMember, ErrNotAllowed, ErrNotFound, ErrTaken or ErrTooMany,
// or a store's; of such a draft nothing was committed. The error of all is ErrBusy,
// and nothing was committed; or it is ErrNotOwner or the context's, and they may
// have been: send them again, under the same ids.
func (o *Owner) Accept(ctx context.Context, drafts []messaging.Draft) ([]Result, error) {
	if len(drafts) > MaxDrafts {
		return nil, &messaging.Invalid{Field: "drafts", Reason: fmt.Sprintf("%d of them; %d are allowed at a time", len(drafts), MaxDrafts)}
	}
	r := &request{drafts: drafts, results: make([]Result, len(drafts))}
	if err := o.drafts.Do(ctx, r); err != nil {
		if errors.Is(err, gather.ErrClosed) {
			err = messaging.ErrNotOwner
		}
		return nil, err // and r must not be looked at
	}
	return r.results, nil
}

// commit is the gatherer's Send.
func (o *Owner) commit(ctx context.Context, batch []*request) error {
	select {
	case <-o.ended:
		return o.why
	default:
	}
	count := 0
	for _, r := range batch {
		count += len(r.drafts)
	}
	// A call that is larger than all that may wait is taken when nothing waits.
	if behind := int(o.behind.Load()); behind > 0 && behind+count > o.cfg.Behind {
		return messaging.ErrBusy
	}
	var messages []messaging.Message
	for _, r := range batch {
		for i, d := range r.drafts {
			m, again, err := o.tails.place(ctx, d, o.cfg.Now())
			if err == nil && !again {
				messages = append(messages, m)
			}
			r.results[i] = Result{m, err}
		}
	}
	if len(messages) == 0 {
		return nil
	}
	// Whoever is impatient must not end the partition for all.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.cfg.Within)
	defer cancel()
	if err := o.cfg.Log.Append(ctx, messages); err != nil {
		// What the tails say may not have happened: they are void.
		o.stop(fmt.Errorf("%w: %w", messaging.ErrNotOwner, err))
		return o.why
	}
	o.behind.Add(int64(len(messages)))
	o.committed <- messages // has room, see Open
	return nil
}

// Run applies what is committed, until the context ends or the partition is lost.
func (o *Owner) Run(ctx context.Context) error {
	marking, end := context.WithCancel(ctx)
	var marks sync.WaitGroup
	defer marks.Wait()
	defer end()
	marks.Go(func() { o.mark(marking) })
	for {
		select {
		case messages := <-o.committed:
			for more := true; more && len(messages) < batch; {
				select {
				case next := <-o.committed:
					messages = append(messages, next...)
				default:
					more = false
				}
			}
			if err := apply(ctx, o.cfg, o.cfg.Push, messages); err != nil {
				return err
			}
			last := messages[len(messages)-1]
			o.last.Store(&last) // and not a place in the batch, which would stay with it
			o.behind.Add(-int64(len(messages)))
			for _, m := range messages {
				o.tails.applied(m)
			}
		case <-o.ended:
			if len(o.committed) == 0 {
				return o.why
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mark settles what was pushed, and notes how far the log is applied, from time to
// time until the context ends. It does so beside Run, which needn't wait for it.
func (o *Owner) mark(ctx context.Context) {
	ticker := time.NewTicker(markEvery)
	defer ticker.Stop()
	var marked *messaging.Message
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		last := o.last.Load()
		var err error
		if o.cfg.Settle != nil {
			last, err = o.cfg.Settle(ctx)
		}
		if last != marked {
			marked = last
			err = errors.Join(err, o.cfg.Log.Applied(ctx, *last))
		}
		if err != nil && ctx.Err() == nil && o.cfg.Refused != nil {
			o.cfg.Refused(err) // what the next one does stands for this as well
		}
	}
}

// Close makes the owner accept nothing any more, waits for the batch under way,
// and leaves what is not applied to the next owner.
func (o *Owner) Close() error {
	o.stop(messaging.ErrNotOwner)
	o.drafts.Close()
	return o.cfg.Log.Close()
}

func (o *Owner) stop(why error) {
	o.end.Do(func() {
		o.why = why
		close(o.ended)
	})
}

// apply repeats Apply or Push until it succeeds or the context ends.
func apply(ctx context.Context, cfg Config, how func(context.Context, []messaging.Message) error, messages []messaging.Message) error {
	for {
		err := how(ctx, messages)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if cfg.Refused != nil {
			cfg.Refused(err)
		}
		select {
		case <-time.After(cfg.Pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
