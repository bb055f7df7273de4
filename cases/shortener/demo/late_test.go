package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"designkits/cases/shortener/client"
)

func TestAStepIsRepeatedWhileItIsLate(t *testing.T) {
	wrong := errors.New("wrong")
	late := fmt.Errorf("%w: it took a minute", errLate)
	for _, c := range []struct {
		name  string
		ends  []error // of each walk; the last of all that follow
		walks int
		want  error
	}{
		{"in time", []error{nil}, 1, nil},
		{"late twice", []error{late, late, nil}, 3, nil},
		{"wrong", []error{wrong}, 1, wrong},
		{"late, then wrong", []error{late, wrong}, 2, wrong},
		{"late each time", []error{late}, 5, errLate},
	} {
		walks := 0
		_, err := inTime(func(*journey, context.Context) (string, error) {
			walks++
			return "", c.ends[min(walks, len(c.ends))-1]
		})(&journey{cfg: Config{Progress: t.Output()}}, t.Context())
		if walks != c.walks || !errors.Is(err, c.want) {
			t.Errorf("%s: %d walks, %v; want %d, %v", c.name, walks, err, c.walks, c.want)
		}
	}
}

func TestAnOldAnswerIsLateAfterASecond(t *testing.T) {
	var left atomic.Int64 // how many old answers are to come
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if left.Add(-1) < 0 {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer edge.Close()
	c, err := client.New(edge.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	j := &journey{client: c}
	lastOld := func() (string, error) {
		return j.lastOld(t.Context(), client.Link{Code: "x"}, func(status int, _ string) bool { return status == http.StatusNotFound })
	}
	for old, want := range map[int64]string{0: "none of them", 3: "the last old answer"} {
		left.Store(old)
		if figure, err := lastOld(); err != nil || !strings.Contains(figure, want) {
			t.Errorf("after %d old answers: %q, %v; want %q", old, figure, err, want)
		}
	}
	left.Store(1 << 40)
	if figure, err := lastOld(); !errors.Is(err, errLate) {
		t.Errorf("of old answers alone: %q, %v", figure, err)
	}
}
