package main

import "testing"

func TestAnUnknownVariantIsRefused(t *testing.T) {
	if _, err := (variants{Notices: "both"}).inbox(nil); err == nil {
		t.Error("NOTICES=both was taken")
	}
}
