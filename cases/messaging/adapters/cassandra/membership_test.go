package cassandra

import (
	"errors"
	"testing"

	"designkits/cases/messaging"
)

// One person's membership is what the roster says of them.
func TestAMembershipIsThatOfTheRoster(t *testing.T) {
	rosters := openDB(t).Rosters()
	c := messaging.NewConversationID(messaging.Group)
	ana, ben := messaging.NewUserID(), messaging.NewUserID()
	err := rosters.Create(t.Context(), messaging.Roster{
		Conversation: messaging.Conversation{ID: c, Kind: messaging.Group, Title: "walks"},
		Members: map[messaging.UserID]messaging.Membership{
			ana: {User: ana, Role: messaging.Admin, Since: 1}, ben: {User: ben, Role: messaging.Member, Since: 1},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	gone := messaging.Membership{User: ben, Role: messaging.Member, Since: 1, Until: 7}
	if err := rosters.Change(t.Context(), c, []messaging.Membership{gone}, 7); err != nil {
		t.Fatal(err)
	}
	roster, err := rosters.Roster(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for u, want := range roster.Members {
		if got, err := rosters.Membership(t.Context(), c, u); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	if roster.Members[ben] != gone {
		t.Errorf("the roster has %+v", roster.Members[ben])
	}
	if got, err := rosters.Membership(t.Context(), c, messaging.NewUserID()); !errors.Is(err, messaging.ErrNotMember) {
		t.Errorf("a stranger's: %+v, %v", got, err)
	}
}
