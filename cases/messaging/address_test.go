package messaging_test

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"designkits/cases/messaging"
)

func TestIDsHaveTheirForms(t *testing.T) {
	user, conversation := regexp.MustCompile(`^u[0-9a-v]{16}$`), regexp.MustCompile(`^[cgb][0-9a-v]{16}$`)
	nearly := rapid.OneOf(rapid.StringMatching(`[ucgbx][0-9a-v]{15,17}`), rapid.StringMatching(`[ucgb][0-9a-z/:`+"`"+`\n]{16}`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		id := nearly.Draw(t, "id")
		if got, want := messaging.UserID(id).Valid(), user.MatchString(id); got != want {
			t.Fatalf("%q is an account's: %v, want %v", id, got, want)
		}
		if got, want := messaging.ConversationID(id).Valid(), conversation.MatchString(id); got != want {
			t.Fatalf("%q is a conversation's: %v, want %v", id, got, want)
		}
	})
}
