package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"designkits/shared/fault"
)

// A Fault is one that comes in the middle of the conversation.
type Fault struct {
	Name string
	// Strike does it, to the gateway that Ana's phone is connected to or was when
	// the last fault struck, and returns once it is done.
	Strike func(ctx context.Context, gateway string) error
	// Ends says that devices lose their connections by it.
	Ends bool
}

// Faults are what the demo does to the running case, by the kit.
func Faults() ([]Fault, error) {
	kit, err := fault.Open()
	if err != nil {
		return nil, err
	}
	return []Fault{
		{"kill -9 the gateway of Ana's phone", func(ctx context.Context, gateway string) error { return kit.Kill(ctx, "messaging/"+gateway) }, true},
		// Also when the journey is over: what was killed is brought back.
		{"bring it back", func(ctx context.Context, gateway string) error {
			return kit.Restart(context.WithoutCancel(ctx), "messaging/"+gateway)
		}, false},
	}, nil
}

// fault strikes, and waits until all are connected and the conversation has gone on.
func (j *journey) fault(ctx context.Context, f Fault) (string, error) {
	if at := j.cast.devices[0].On().Gateway; at != "" && f.Ends {
		j.victim = at
	}
	ends, said := j.cast.ends(), j.pages.sent()
	if err := f.Strike(ctx, j.victim); err != nil {
		return "", err
	}
	struck := time.Now()
	err := until(ctx, j.cfg.Patience, func() error {
		if f.Ends && j.cast.ends() == ends {
			return errors.New("no device has lost its connection")
		}
		return j.cast.allThere()
	})
	if err != nil {
		return "", err
	}
	away, meanwhile := time.Since(struck), j.pages.sent()-said
	if err := j.goOn(ctx); err != nil {
		return "", err
	}
	figure := fmt.Sprintf("%s sent meanwhile, %d since", count(meanwhile, "message"), j.pages.sent()-said-meanwhile)
	if f.Ends {
		figure = fmt.Sprintf("%s; %s lost, all devices are connected and have caught up %.1f s later; %s sent meanwhile, %d since", j.victim,
			count(j.cast.ends()-ends, "connection"), away.Seconds(), count(meanwhile, "message"), j.pages.sent()-said-meanwhile)
	}
	return figure, nil
}
