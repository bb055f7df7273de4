package codes

import "testing"

func TestNearIsAroundTheCode(t *testing.T) {
	near, err := Near("0000000", 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"0000001", "zzzzzzz", "0000002", "zzzzzzy"} {
		if near[i] != want {
			t.Errorf("neighbour %d is %s, want %s", i, near[i], want)
		}
	}
	if _, err := Near("no code", 1); err == nil {
		t.Error("what is no code has neighbours")
	}
}

func TestAHashedCodeIsTheTargetsOwn(t *testing.T) {
	one, _ := Hashed{}.CodeFor(t.Context(), "https://example.com/a")
	same, _ := Hashed{}.CodeFor(t.Context(), "https://example.com/a")
	other, _ := Hashed{}.CodeFor(t.Context(), "https://example.com/b")
	if len(one) != Length || one != same || one == other {
		t.Errorf("%s, %s and %s", one, same, other)
	}
}
