package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"designkits/shared/pause"
)

func TestAPauseEndsWithItsTimeOrItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if !pause.For(t.Context(), time.Minute) || time.Since(began) != time.Minute {
			t.Errorf("a minute took %s", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if pause.For(ctx, time.Minute) || time.Since(began) != time.Minute+time.Second {
			t.Error("a pause outlived its context")
		}
		if pause.For(ctx, -time.Second) {
			t.Error("a pause that is over at once says that there is time")
		}
	})
}
