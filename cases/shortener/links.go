package shortener

import (
	"context"
	"errors"
	"fmt"
	"time"

	"designkits/cases/shortener/target"
)

// A Draft is a link as somebody asks for it. Nothing of it has been checked.
type Draft struct {
	Target    string
	Alias     string    // empty for a generated code
	Expires   time.Time // zero for never
	Permanent bool
}

// A Checked is a draft that Links.Check has taken, as it would be stored.
type Checked struct{ draft Draft }

// A Change is what somebody wants different about a link; nil stays as it is.
type Change struct {
	Target    *string
	Expires   *time.Time // zero for never
	Permanent *bool
}

// Links are the rules by which links are made, changed and removed. Whatever it
// refuses has not been stored.
type Links struct {
	Store     LinkStore
	Erasers   []Eraser // what else names an owner
	Codes     Coder
	Policy    target.Policy
	Publisher *Publisher
	Forget    interface { // the counts of a link that is removed
		Forget(ctx context.Context, code Code) error
	}
	Clock func() time.Time
}

// Check returns what can be made of the draft, or a *Invalid. Whether an alias is
// free only Create can say.
func (l *Links) Check(d Draft) (Checked, error) {
	var err error
	if d.Target, err = checkTarget(d.Target, l.Policy); err != nil {
		return Checked{}, err
	}
	if d.Alias != "" {
		if err := CheckAlias(d.Alias); err != nil {
			return Checked{}, err
		}
	}
	if d.Expires, err = CheckExpiry(d.Expires, l.Clock()); err != nil {
		return Checked{}, err
	}
	return Checked{d}, nil
}

// checkTarget is target.Check, its refusals told as those of the field.
func checkTarget(raw string, policy target.Policy) (string, error) {
	checked, err := target.Check(raw, policy)
	if refused := (*target.Refused)(nil); errors.As(err, &refused) {
		return "", &Invalid{Field: "target", Rule: refused.Rule, Reason: refused.Reason}
	}
	return checked, err
}

// Create makes a link. Its error is ErrTaken, ErrLookAlike, ErrBusy, or the
// store's.
func (l *Links) Create(ctx context.Context, owner Owner, c Checked) (Link, error) {
	d := c.draft
	now := l.Clock().UTC().Truncate(time.Millisecond)
	link := Link{
		Code: Code(d.Alias), Target: d.Target, Owner: owner,
		Created: now, Expires: d.Expires, Permanent: d.Permanent,
		Version: now.UnixMilli(),
	}
	if d.Alias != "" {
		return link, l.claim(ctx, link)
	}
	code, err := l.Codes.CodeFor(ctx, link.Target)
	if err != nil {
		return Link{}, fmt.Errorf("create a link: %w", err)
	}
	link.Code = Code(code)
	if err := l.Store.Put(ctx, link); err != nil {
		return Link{}, fmt.Errorf("store link %q: %w", link.Code, err)
	}
	l.Publisher.Prime(link)
	return link, nil
}

// claim stores a link under its alias. Caches may hold "unknown" for it, or the
// end of its former life, so all are told.
func (l *Links) claim(ctx context.Context, link Link) error {
	if err := l.Publisher.Room(); err != nil {
		return fmt.Errorf("claim %q: %w", link.Code, err)
	}
	ctx = context.WithoutCancel(ctx) // as Update is
	if err := l.Store.Claim(ctx, link); err != nil {
		if errors.Is(err, ErrTaken) || errors.Is(err, ErrLookAlike) {
			return err
		}
		return fmt.Errorf("claim %q: %w", link.Code, err)
	}
	// Over the end of its former life the store has raised the version. Caches
	// that remember that end would keep it over what we asked for.
	if stored, err := l.Store.Get(ctx, link.Code); err == nil {
		link.Version = max(link.Version, stored.Version)
	}
	l.Publisher.Publish(ctx, Entry{Link: link})
	return nil
}

// Get returns the owner's link as the store has it, ErrNotFound, or
// ErrNotOwner.
func (l *Links) Get(ctx context.Context, owner Owner, code Code) (Link, error) {
	link, err := l.Store.Get(ctx, code)
	if err != nil {
		return Link{}, fmt.Errorf("get link %q: %w", code, err)
	}
	return link, ownedBy(link, owner)
}

func ownedBy(link Link, owner Owner) error {
	if link.Owner != owner {
		return ErrNotOwner
	}
	return nil
}

// Update changes the owner's link, or fails with *Invalid, ErrNotFound,
// ErrNotOwner or ErrBusy. Once begun it is seen through, also when the context ends:
// what the store has done every cache must be told.
func (l *Links) Update(ctx context.Context, owner Owner, code Code, change Change) (Link, error) {
	if change == (Change{}) {
		return Link{}, &Invalid{Field: "", Rule: "empty", Reason: "nothing is to be changed: give at least one of target, expires and permanent"}
	}
	if err := l.Publisher.Room(); err != nil {
		return Link{}, fmt.Errorf("update link %q: %w", code, err)
	}
	ctx = context.WithoutCancel(ctx)
	link, err := l.Store.Update(ctx, code, func(link *Link) error {
		if err := ownedBy(*link, owner); err != nil {
			return err
		}
		return l.change(link, change)
	})
	if err != nil {
		return Link{}, fmt.Errorf("update link %q: %w", code, err)
	}
	l.Publisher.Publish(ctx, Entry{Link: link})
	return link, nil
}

// change applies what is wanted under the rules of a new link.
func (l *Links) change(link *Link, change Change) (err error) {
	if change.Target != nil {
		if link.Target, err = checkTarget(*change.Target, l.Policy); err != nil {
			return err
		}
	}
	if change.Expires != nil {
		if link.Expires, err = CheckExpiry(*change.Expires, l.Clock()); err != nil {
			return err
		}
	}
	if change.Permanent != nil {
		link.Permanent = *change.Permanent
	}
	return nil
}

// Delete removes the owner's link and its counts, or fails with ErrNotFound,
// ErrNotOwner or ErrBusy. It is seen through as Update is.
func (l *Links) Delete(ctx context.Context, owner Owner, code Code) error {
	if err := l.Publisher.Room(); err != nil {
		return fmt.Errorf("delete link %q: %w", code, err)
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := l.Get(ctx, owner, code); err != nil {
		return fmt.Errorf("delete link %q: %w", code, err)
	}
	// The counts first: once the link is gone nobody could ask for it again.
	if err := l.Forget.Forget(ctx, code); err != nil {
		return fmt.Errorf("delete the counts of link %q: %w", code, err)
	}
	link, err := l.Store.Delete(ctx, code, func(link Link) error { return ownedBy(link, owner) })
	if err != nil {
		return fmt.Errorf("delete link %q: %w", code, err)
	}
	l.Publisher.Publish(ctx, Entry{Link: Link{Code: code, Version: link.Version + 1}, Missing: true})
	if err := l.Forget.Forget(ctx, code); err != nil { // what was counted meanwhile
		return fmt.Errorf("link %q is deleted, but not its last counts: %w", code, err)
	}
	return nil
}
