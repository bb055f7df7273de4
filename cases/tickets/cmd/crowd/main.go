// Command crowd sends fans and bots to a running sale, and says each second how
// far they have come:
//
//	go run ./cases/tickets/cmd/crowd -page http://127.0.0.1:8080/ -event hall -fans 2000 -bots 200
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/client"
	"designkits/cases/tickets/crowd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("crowd", flag.ContinueOnError)
	page := flags.String("page", "http://127.0.0.1:8080/", "address of the page")
	event := flags.String("event", "hall", "which event they want")
	fans := flags.Int("fans", 2000, "people who come")
	bots := flags.Int("bots", 200, "accounts of bots")
	spike := flags.Duration("spike", 10*time.Second, "how long they come after the sale has begun")
	think := flags.Duration("think", time.Second, "how long a fan thinks at each step, on average")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *fans < 0 || *bots < 0 || *fans+*bots == 0 {
		return fmt.Errorf("crowd: -fans %d and -bots %d: somebody must come", *fans, *bots)
	}
	c, err := client.New(*page)
	if err != nil {
		return err
	}
	defer c.Close()
	cfg := crowd.Usual(c, tickets.EventID(*event), *fans, *bots)
	cfg.After, cfg.Think = *spike, *think
	people := crowd.New(cfg)
	ended := make(chan error, 1)
	go func() { ended <- people.Run(ctx) }()
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			fmt.Fprintf(out, "\r\x1b[K%s", people.Figures())
		case err := <-ended:
			fmt.Fprintf(out, "\r\x1b[K%s\n", people.Figures())
			summary(out, people.Figures())
			return err
		}
	}
}

// summary says how everybody left and what was refused.
func summary(out io.Writer, f crowd.Figures) {
	for _, counts := range []map[string]int{f.Left, f.Refused} {
		for _, what := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(out, "%7d  %s\n", counts[what], what)
		}
	}
	fmt.Fprintf(out, "%6.1f%%  of the seats went to bots\n", 100*f.BotShare())
}
