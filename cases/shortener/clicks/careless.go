package clicks

import "context"

// Careless appends to a log and doesn't look whether that succeeded, as a
// producer does that fires and forgets: what a Recorder's spool is good for
// shows beside it.
type Careless struct{ Log ClickLog }

// Append implements ClickLog but for its promise.
func (c Careless) Append(ctx context.Context, batch []Click) error {
	ctx, cancel := context.WithTimeout(ctx, appendWithin/2)
	defer cancel()
	_ = c.Log.Append(ctx, batch) // what is lost is lost
	return nil
}
