package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRedisSurvivesAKill(t *testing.T) {
	s := serve(t, "redis")
	s.listensOnLoopbackOnly(t)
	c := redisClient(t, s.Site)
	for i := range 500 {
		if err := c.Set(t.Context(), fmt.Sprint("key", i), i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	// While it syncs its file Redis answers before it writes, for two seconds at most.
	eventually(t, "all of it is in the file", 20*time.Second, func() error {
		info, err := c.Info(t.Context(), "persistence").Result()
		if err == nil && !strings.Contains(info, "aof_buffer_length:0\r\n") {
			err = errors.New("something waits to be written")
		}
		return err
	})
	s.kill(t)
	for i := range 500 {
		if got, err := c.Get(t.Context(), fmt.Sprint("key", i)).Int(); err != nil || got != i {
			t.Fatalf("acknowledged key%d is %d, %v after a kill", i, got, err)
		}
	}
	s.stopsInTime(t)
}
