package shortener

import (
	"errors"
	"testing"
)

func TestASecretIsFoundByItsHash(t *testing.T) {
	secret, hash := NewSecret()
	if got, err := HashSecret(secret); err != nil || got != hash {
		t.Errorf("hash of %q is %x (%v), it was made with %x", secret, got, err, hash)
	}
	other, otherHash := NewSecret()
	if other == secret || otherHash == hash {
		t.Error("two secrets are the same")
	}
}

func TestWhatIsNoSecretIsNotLookedUp(t *testing.T) {
	secret, _ := NewSecret()
	for _, s := range []string{"", "dksl_", secret[1:], secret + "x", "xxxx_" + secret[5:]} {
		if _, err := HashSecret(s); !errors.Is(err, ErrNoKey) {
			t.Errorf("%q: got %v, wanted ErrNoKey", s, err)
		}
	}
}
