package main

import (
	"fmt"
	"strings"
	"testing"

	"designkits/shared/curveball"
)

func TestGuessesAreAskedForAndCompared(t *testing.T) {
	var said strings.Builder
	run := &curveballRun{screen: &screen{out: &said}, guesses: map[string]guess{}}
	list := []curveball.Summary{
		{Name: "dies", Question: "It dies?", Predict: "lost", Unit: "ms", Control: "without a log"},
		{Name: "alone", Question: "And alone?", Predict: "lost"},
		{Name: "never", Question: "Who is asked when the input ends?", Predict: "lost", Control: "in vain"},
		{Name: "after", Question: "And after that?", Predict: "lost"},
	}
	run.ask(strings.NewReader("many\n 12 ms \n\n3e2\n"), list)
	built, naive, alone := run.guesses["dies"].built, run.guesses["dies"].naive, run.guesses["alone"].built
	if built == nil || *built != 12 || naive != nil || alone == nil || *alone != 300 || run.guesses["never"].built != nil {
		t.Errorf("%+v", run.guesses)
	}
	for _, want := range []string{"Your guess: lost in ms? (Enter for none)", "And without a log?", `"many" is no number; once more?`} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it doesn't say %q:\n%s", want, said.String())
		}
	}
	for _, no := range []string{"And in vain?", "And after that?"} {
		if strings.Contains(said.String(), no) {
			t.Errorf("the input has ended, and it asks %q:\n%s", no, said.String())
		}
	}
	run.guesses["dies"] = guess{built: new(2.0), naive: new(20.0)}
	run.line([]byte(`{"report":{"name":"dies","measured":[{"figure":"lost","value":0}],"control":{"name":"without a log","measured":[{"figure":"lost","value":10}]}}}`))
	for _, want := range []string{"you said 2, it was 0: off by 2", "without a log: you said 20, it was 10: off by a factor of 2"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it doesn't say %q:\n%s", want, said.String())
		}
	}
}

func TestALoadGetsALineEveryFewSeconds(t *testing.T) {
	var said strings.Builder
	run := &curveballRun{screen: &screen{out: &said}, loads: map[loadKey]*curveball.Load{}}
	tell := func(variant, load string, second, ok, failed, worst int) {
		run.line(fmt.Appendf(nil, `{"name":"dies","variant":%q,"sample":{"load":%q,"from":2,"second":%d,"ok":%d,"failed":%d,"worst":%d}}`, variant, load, second, ok, failed, worst))
	}
	for second := range 9 {
		tell("", "reads", second, 10, 0, 1e6)
		tell("without a log", "reads", second, 8, second%2, 2e9)
		tell("", "writes", second%4, 1, 0, 5) // it has only four
	}
	tell("", "reads", 4, 10, 5, 3e9) // an answer that came late
	const want = "   7.0s reads: 10/s answered, 0/s failed, the slowest took 1ms\n" +
		"   7.0s [without a log] reads: 8/s answered, 0.4/s failed, the slowest took 2s\n"
	if said.String() != want {
		t.Errorf("it says\n%swant\n%s", said.String(), want)
	}
}
