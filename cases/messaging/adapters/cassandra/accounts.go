package cassandra

import (
	"context"
	"fmt"
	"sync"

	"github.com/gocql/gocql"

	"designkits/cases/messaging"
	"designkits/shared/cql"
)

// Accounts is the messaging.Accounts. A name is claimed, and a device numbered,
// by a lightweight transaction.
type Accounts struct{ db *DB }

// Accounts returns the store of people and their devices.
func (db *DB) Accounts() *Accounts { return &Accounts{db} }

var _ messaging.Accounts = (*Accounts)(nil)

// Create claims the name and stores the account. Repeating it after a crash in
// between completes it: the claim finds that its own account holds the name.
func (s *Accounts) Create(ctx context.Context, u messaging.UserID, name string) error {
	return s.db.decide(ctx, "create account", name, func(ctx context.Context) error {
		holder, err := s.claim(ctx, u, name)
		if err != nil {
			return err
		}
		if holder != u {
			return messaging.ErrTaken
		}
		return s.db.read(ctx, `INSERT INTO accounts (user, name) VALUES (?, ?) USING TIMESTAMP 1`, string(u), name).Exec()
	})
}

// claim returns who has the name now.
func (s *Accounts) claim(ctx context.Context, u messaging.UserID, name string) (holder messaging.UserID, err error) {
	for tries := 0; ; tries++ {
		held := map[string]any{}
		applied, err := cql.Conditional(ctx, s.db.session.Query(`INSERT INTO account_names (name, user) VALUES (?, ?) IF NOT EXISTS`, name, string(u)), held)
		switch {
		case applied:
			return u, nil
		case err == nil:
			// Perhaps an earlier try of this one, whose answer was lost.
			user, _ := held["user"].(string)
			return messaging.UserID(user), nil
		case !cql.TryAgain(err, tries):
			return "", err
		}
		if err := cql.Pause(ctx, tries); err != nil {
			return "", err
		}
	}
}

// Find returns the account of a name.
func (s *Accounts) Find(ctx context.Context, name string) (u messaging.UserID, err error) {
	err = s.db.run(ctx, "find account", name, func(ctx context.Context) error {
		return found(s.db.read(ctx, `SELECT user FROM account_names WHERE name = ?`, name).Scan((*string)(&u)))
	})
	return u, err
}

// Name returns the name of an account.
func (s *Accounts) Name(ctx context.Context, u messaging.UserID) (name string, err error) {
	err = s.db.run(ctx, "read account", string(u), func(ctx context.Context) error {
		return found(s.db.read(ctx, `SELECT name FROM accounts WHERE user = ?`, string(u)).Scan(&name))
	})
	return name, err
}

// Names reads the names of many people with each query.
func (s *Accounts) Names(ctx context.Context, users []messaging.UserID) (map[messaging.UserID]string, error) {
	var mu sync.Mutex
	names := make(map[messaging.UserID]string, len(users))
	err := eachPart(ctx, users, func(ctx context.Context, part []string) error {
		return s.db.run(ctx, "read accounts", fmt.Sprintf("of %d people", len(part)), func(ctx context.Context) error {
			rows := s.db.read(ctx, `SELECT user, name FROM accounts WHERE user IN ?`, part).Iter()
			mu.Lock()
			defer mu.Unlock()
			for user, name := "", ""; rows.Scan(&user, &name); {
				names[messaging.UserID(user)] = name
			}
			return rows.Close()
		})
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// found puts the domain's error in the place of the driver's.
func found(err error) error {
	if err == gocql.ErrNotFound {
		return messaging.ErrNotFound
	}
	return err
}
