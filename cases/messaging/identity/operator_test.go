package identity_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/identity"
)

func TestOnlyAnOperatorsTokenIsAnOperators(t *testing.T) {
	now := time.Now()
	tokens := identity.Tokens{Secret: []byte("of the tests, of 32 bytes, it is"), Now: func() time.Time { return now }}
	operator, until, err := tokens.SignOperator()
	if err != nil || until.Sub(now) != identity.OperatorFor {
		t.Fatalf("%s, %v", until, err)
	}
	phone, _, err := tokens.Sign(messaging.Address{User: messaging.NewUserID(), Device: 1})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(token string) error {
		r := httptest.NewRequest("GET", "/api/operator", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		return tokens.OfOperator(r)
	}
	if err := ask(operator); err != nil {
		t.Errorf("an operator's: %v", err)
	}
	for name, token := range map[string]string{"a device's": phone, "none": "", "a cut one": operator[:len(operator)-2]} {
		if err := ask(token); err != identity.ErrNoOperator {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tokens.Check(operator); err == nil {
		t.Error("an operator's token lets a device in")
	}
	now = until.Add(time.Second)
	if err := ask(operator); err != identity.ErrNoOperator {
		t.Errorf("after its end: %v", err)
	}
}
