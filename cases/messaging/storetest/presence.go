package storetest

import (
	"testing"

	"designkits/cases/messaging"
	"designkits/cases/messaging/presence"
)

// PresenceSettings runs the contract of a presence.Settings.
func PresenceSettings(t *testing.T, open func(t *testing.T) presence.Settings) {
	t.Run("the last setting of each person is found", func(t *testing.T) { settings(t, open(t)) })
}

func settings(t *testing.T, store presence.Settings) {
	ctx := testContext(t)
	// More than are read with one query.
	users := make([]messaging.UserID, 60)
	want := map[messaging.UserID]presence.Privacy{}
	for i := range users {
		users[i] = messaging.NewUserID()
		if i%2 == 0 {
			must(t, store.Show(ctx, users[i], presence.Everybody))
			must(t, store.Show(ctx, users[i], presence.Nobody))
			want[users[i]] = presence.Nobody
		}
	}
	got, err := store.Shown(ctx, users)
	must(t, err)
	wantEqual(t, "the settings", got, want)
	got, err = store.Shown(ctx, nil)
	must(t, err)
	wantEqual(t, "of nobody", got, map[messaging.UserID]presence.Privacy{})
}
