package cassandra

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
)

// PresenceSettings is the presence.Settings: a row a person who has chosen.
type PresenceSettings struct{ db *DB }

// PresenceSettings returns the store of whom people are shown to.
func (db *DB) PresenceSettings() *PresenceSettings { return &PresenceSettings{db} }

var _ presence.Settings = (*PresenceSettings)(nil)

// Show stores a person's setting.
func (s *PresenceSettings) Show(ctx context.Context, u messaging.UserID, to presence.Privacy) error {
	return s.db.run(ctx, "store presence setting", string(u), func(ctx context.Context) error {
		return s.db.read(ctx, `INSERT INTO presence_settings (user, shown_to) VALUES (?, ?)`, string(u), string(to)).Exec()
	})
}

// Shown reads the rows of many people with each query.
func (s *PresenceSettings) Shown(ctx context.Context, users []messaging.UserID) (map[messaging.UserID]presence.Privacy, error) {
	names := make([]string, len(users))
	for i, u := range users {
		names[i] = string(u)
	}
	parts := slices.Collect(slices.Chunk(names, usersAtOnce))
	of := make([]map[messaging.UserID]presence.Privacy, len(parts))
	err := s.db.run(ctx, "read presence settings", fmt.Sprintf("of %d people", len(users)), func(ctx context.Context) error {
		reads, ctx := errgroup.WithContext(ctx)
		reads.SetLimit(8)
		for i, part := range parts {
			reads.Go(func() error {
				of[i] = map[messaging.UserID]presence.Privacy{}
				rows := s.db.read(ctx, `SELECT user, shown_to FROM presence_settings WHERE user IN ?`, part).Iter()
				for user, to := "", ""; rows.Scan(&user, &to); {
					of[i][messaging.UserID(user)] = presence.Privacy(to)
				}
				return rows.Close()
			})
		}
		return reads.Wait()
	})
	if err != nil {
		return nil, err
	}
	all := map[messaging.UserID]presence.Privacy{}
	for _, part := range of {
		for u, to := range part {
			all[u] = to
		}
	}
	return all, nil
}
