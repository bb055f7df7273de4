package rig

import "testing"

func TestAPortIsTakenByOneCaseUntilItIsReleased(t *testing.T) {
	var one, other ports
	defer one.release()
	defer other.release()
	taken := map[string]bool{}
	for range 300 {
		for _, p := range []*ports{&one, &other} {
			address, err := p.take()
			if err != nil {
				t.Fatal(err)
			}
			if taken[address] {
				t.Fatalf("%s is taken twice", address)
			}
			taken[address] = true
		}
	}
}
