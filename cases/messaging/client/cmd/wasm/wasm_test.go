//go:build !js

package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"designkits/cases/messaging/client/e2e"
	"designkits/shared/browsertest"
	"designkits/shared/wasm"
)

// page loads the program as the messaging page does.
const page = `<!doctype html><meta charset="utf-8"><title>e2e</title><script src="/wasm_exec.js"></script>`

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
	b.Do(t, 30*time.Second, chromedp.Navigate(server.URL))
	browsertest.Eval[string](t, b, `(async () => {
		const go = new Go();
		const { instance } = await WebAssembly.instantiateStreaming(fetch("/main.wasm"), go.importObject);
		go.run(instance);
		return typeof e2e;
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

// TestTheBrowsersDevices lets three devices talk within one page.
func TestTheBrowsersDevices(t *testing.T) {
	b := open(t)
	got := browsertest.Eval[map[string]any](t, b, `(async () => {
		const text = (bytes) => new TextDecoder().decode(bytes);
		const name = (promise) => promise.then(() => "none", (e) => e.name);
		const bundle = async (device) => {
			const { lastResort, oneTime, ...rest } = await device.publicKeys();
			return { ...rest, preKey: oneTime[0] ?? lastResort };
		};
		const alice = await e2e.create({ user: "alice", device: 1 });
		let bob = await e2e.create({ user: "bob", device: 1 });
		const carol = await e2e.create({ user: "carol", device: 1 });
		const out = { address: bob.address.user + bob.address.device };
		out.early = await name(alice.encrypt(bob.address, "too early"));
		await alice.startSession(bob.address, await bundle(bob));
		const first = await alice.encrypt(bob.address, "grüß dich");
		out.first = text((await bob.decrypt(alice.address, first)).body);
		out.again = await name(bob.decrypt(alice.address, first));
		bob = await e2e.open(await bob.export());
		out.answer = text((await alice.decrypt(bob.address, await bob.encrypt(alice.address, "dich auch"))).body);
		out.same = await alice.safetyNumber("bob") === await bob.safetyNumber("alice");

		const group = [alice.address, bob.address, carol.address];
		const missing = await alice.encryptGroup("g", group, "?").catch((e) => e);
		out.missing = missing.name + missing.addresses[0].user;
		await alice.startSession(carol.address, await bundle(carol));
		const message = await alice.encryptGroup("g", group, "to all");
		out.keys = message.keys.length;
		out.early2 = await name(carol.decryptGroup("g", alice.address, message.envelope));
		for (const { to, envelope } of message.keys) {
			const device = to.user === "bob" ? bob : carol;
			out.groupKey = (await device.decrypt(alice.address, envelope)).groupKey;
			out["group " + to.user] = text(await device.decryptGroup("g", alice.address, message.envelope));
		}

		const anew = await e2e.create({ user: "bob", device: 1 });
		const changed = await alice.startSession(bob.address, await bundle(anew)).catch((e) => e);
		out.changed = changed.name + changed.user + (changed.known.join() === bob.identityKey.join());
		await alice.accept(changed);
		await alice.startSession(bob.address, await bundle(anew));
		out.anew = text((await anew.decrypt(alice.address, await alice.encrypt(anew.address, "new phone?"))).body);

		const plain = crypto.getRandomValues(new Uint8Array(50000));
		const { ciphertext, blob } = await e2e.encryptBlob(plain);
		out.blob = (await e2e.decryptBlob(ciphertext, blob)).join() === plain.join();
		out.size = ciphertext.length === await e2e.ciphertextSize(plain.length);
		ciphertext[7] ^= 1;
		out.altered = await name(e2e.decryptBlob(ciphertext, blob));
		out.garbage = await name(bob.decrypt(alice.address, new Uint8Array(9)));
		out.state = await name(e2e.open(new Uint8Array(9)));
		out.arguments = await name(bob.decrypt());
		return out;
	})()`)
	for key, want := range map[string]any{
		"address": "bob1", "early": "NoSession", "first": "grüß dich", "again": "Duplicate", "answer": "dich auch", "same": true,
		"missing": "MissingSessionscarol", "keys": 2.0, "early2": "NoGroupKey", "groupKey": "g", "group bob": "to all", "group carol": "to all",
		"changed": "KeyChangedbobtrue", "anew": "new phone?",
		"blob": true, "size": true, "altered": "Undecryptable", "garbage": "Malformed", "state": "Malformed", "arguments": "TypeError",
	} {
		if got[key] != want {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
	b.CheckConsole(t)
}

// TestTheBrowserAndTheCommandLine lets a device in the browser talk to one of the same code outside.
func TestTheBrowserAndTheCommandLine(t *testing.T) {
	b := open(t)
	var keys e2e.PublicKeys
	published := browsertest.Eval[string](t, b, `(async () => {
		globalThis.bob = await e2e.create({ user: "bob", device: 1 });
		return JSON.stringify(await bob.publicKeys());
	})()`)
	if err := json.Unmarshal([]byte(published), &keys); err != nil {
		t.Fatal(err)
	}
	alice, err := e2e.Create(e2e.NewMemory(), e2e.Address{User: "alice", Device: 1}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bob := e2e.Address{User: "bob", Device: 1}
	bundle := e2e.Bundle{RegistrationID: keys.RegistrationID, IdentityKey: keys.IdentityKey, SignedPreKey: keys.SignedPreKey, PreKey: &keys.OneTime[0]}
	if err := alice.StartSession(bob, bundle); err != nil {
		t.Fatal(err)
	}
	envelope, err := alice.Encrypt(bob, []byte("from the command line"))
	if err != nil {
		t.Fatal(err)
	}
	answer := browsertest.Eval[string](t, b, fmt.Sprintf(`(async () => {
		const alice = { user: "alice", device: 1 };
		const { body } = await bob.decrypt(alice, Uint8Array.fromBase64(%q));
		return (await bob.encrypt(alice, "I read: " + new TextDecoder().decode(body))).toBase64();
	})()`, base64.StdEncoding.EncodeToString(envelope)))
	if envelope, err = base64.StdEncoding.DecodeString(answer); err != nil {
		t.Fatal(err)
	}
	message, err := alice.Decrypt(bob, envelope)
	if err != nil || string(message.Body) != "I read: from the command line" {
		t.Errorf("%q, %v", message.Body, err)
	}
}
