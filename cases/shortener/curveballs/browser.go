package curveballs

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/chromedp/chromedp"

	"designkits/shared/curveball"
)

// A browser is a real one, with its cache. All names under .example lead to one
// server on this machine, and nothing else leads anywhere.
type browser struct{ ctx context.Context }

// startBrowser starts a browser that is closed with the trial.
func startBrowser(t *curveball.Trial) (*browser, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the targets: %w", err)
	}
	targets := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, r.Host)
		}),
		ReadHeaderTimeout: time.Second,
	}
	served := make(chan error, 1)
	go func() { served <- targets.Serve(listener) }()

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // root has none
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-features", "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable"),
		chromedp.Flag("host-resolver-rules", "MAP *.example "+listener.Addr().String()+" , MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func(context.Context) error {
		cancel()
		stop()
		_ = targets.Close() // nobody is reading any more
		<-served
		return nil
	})
	// Without a deadline: the browser lives as long as the first context it is used with.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		return nil, fmt.Errorf("start chromium, which `apt-get install chromium` brings: %w", err)
	}
	return &browser{ctx}, nil
}

// open goes to an address, as a click on a link does, and returns the host on
// which that ends.
func (b *browser) open(address string) (host string, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return "", fmt.Errorf("open %s: %w", address, err)
	}
	host, err = chromedp.Run(ctx, chromedp.Evaluate[string]("location.hostname"))
	if err != nil {
		return "", fmt.Errorf("see where %s led: %w", address, err)
	}
	return host, nil
}
