package curveballs

import (
	"context"
	"crypto/rand"
	"slices"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/device"
	"designkits/cases/messaging/wire"
)

// gather makes a large group, of whom some have a device, which it returns.
func (s *site) gather(ctx context.Context, by *device.Device, c messaging.ConversationID, members, devices int) (fans []messaging.Address, err error) {
	people, err := s.People(ctx, devices, 1)
	if err != nil {
		return nil, err
	}
	users := make([]messaging.UserID, 0, members)
	for len(users) < members-1-devices {
		users = append(users, messaging.NewUserID()) // nobody tells them from who is away
	}
	// Last, so that they needn't hear of how all others were added.
	for _, p := range people {
		fans, users = append(fans, p[0]), append(users, p[0].User)
	}
	for some := range slices.Chunk(users, messaging.MaxAdded) {
		m := wire.Send{Conversation: c, ID: messaging.MessageID(rand.Text()), Kind: messaging.Added, Users: some}
		if &some[0] == &users[0] {
			m.Kind, m.Title = messaging.Created, "a crowd"
		}
		if _, err := s.say(ctx, by, m); err != nil {
			return nil, err
		}
	}
	return fans, nil
}
