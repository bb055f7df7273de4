//go:build !js

package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
	"designkits/shared/wasm"
)

// page loads the program as the messaging page does.
const page = `<!doctype html><meta charset="utf-8"><title>messenger</title><script src="/wasm_exec.js"></script>`

// open serves the program, freshly built, and opens a page that has loaded it.
func open(t *testing.T) *browsertest.Tab {
	t.Helper()
	folder := t.TempDir()
	if err := wasm.Build(t.Context(), ".", folder); err != nil {
		t.Fatal(err)
	}
	files := http.FileServer(http.Dir(folder))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			files.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'")
		fmt.Fprint(w, page)
	}))
	t.Cleanup(server.Close)
	b := browsertest.Open(t)
	b.Do(t, chromedp.Navigate(server.URL))
	browsertest.Eval[string](t, b, `(async () => {
		const go = new Go();
		const { instance } = await WebAssembly.instantiateStreaming(fetch("/main.wasm"), go.importObject);
		go.run(instance);
		return typeof messenger;
	})()`)
	return b
}

func TestItCompilesWithoutComplaint(t *testing.T) {
	vet := exec.CommandContext(t.Context(), "go", "vet", ".")
	vet.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := vet.CombinedOutput(); err != nil { // go vet ./... leaves it out on any other system
		t.Errorf("%v\n%s", err, out)
	}
}

// TestADeviceWithoutAnAccount: the database is opened twice, and what can't be done
// says why. What can, the page's tests do against the real processes.
func TestADeviceWithoutAnAccount(t *testing.T) {
	b := open(t)
	got := browsertest.Eval[map[string]any](t, b, `(async () => {
		const why = (promise) => promise.then(() => "nothing", (e) => e.name + ": " + e.message);
		const client = await messenger.open("phone", "127.0.0.1:1", () => {});
		const out = { user: (await client.me()).user, talks: (await client.talks()).length };
		out.run = await why(client.run());
		out.say = await why(client.say("c0123456789abcdef", "hello", "", []));
		out.arguments = await why(client.say());
		out.again = (await (await messenger.open("phone", "127.0.0.1:1", () => {})).me()).user;
		return out;
	})()`)
	const noAccount = "Error: this device has no account yet: sign up, or link it to one"
	for key, want := range map[string]any{"user": "", "talks": 0.0, "run": noAccount, "say": noAccount, "again": ""} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	if text, _ := got["arguments"].(string); len(text) < 9 || text[:9] != "TypeError" {
		t.Errorf("without arguments: %v", got["arguments"])
	}
	b.CheckConsole(t)
}
