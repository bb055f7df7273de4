package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"designkits/shared/browsertest"
)

// upload does what a page does with an attachment: the grant it gets from its
// gateway's origin, the bytes it puts to the store, and gets them back from there.
const upload = `(async () => {
	const said = async (response) => { if (!response.ok) throw new Error(response.url + " answered " + response.status + " " + await response.text()); return response };
	const own = { Authorization: "Bearer %s" };
	const blob = crypto.getRandomValues(new Uint8Array(60_000));
	const sum = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-256", blob))));
	const begun = await (await said(await fetch("/api/media", {
		method: "POST", headers: { ...own, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
		body: JSON.stringify({ size: blob.length, type: "image", sha256: [sum] }),
	}))).json();
	for (const part of begun.missing) {
		const header = Object.fromEntries(Object.entries(part.header ?? {}).map(([name, values]) => [name, values[0]]));
		await said(await fetch(part.url, { method: part.method, headers: header, body: blob }));
	}
	await said(await fetch("/api/media/" + begun.id + "/complete", { method: "POST", headers: { ...own, "Upload-Grant": begun.grant } }));
	await said(await fetch("/api/media/" + begun.id + "/used", { method: "POST", headers: own }));
	const signed = await (await said(await fetch("/api/media/" + begun.id, { headers: own }))).json();
	const back = new Uint8Array(await (await said(await fetch(signed.url))).arrayBuffer());
	return back.length === blob.length && back.every((byte, i) => byte === blob[i]);
})()`

// In a browser it takes all of it: the gateway passes the grant on, the page's
// policy lets it connect to the store, and the store answers pages of this origin.
func TestAPageUploadsAnAttachmentFromItsGatewaysOrigin(t *testing.T) {
	s := newSite(t)
	ana := s.person(1)[0]
	tab := browsertest.Open(t)
	for _, gateway := range []string{"gateway-1", "gateway-2"} {
		tab.Do(t, chromedp.Navigate("http://"+s.Addr(gateway)+"/"))
		if !browsertest.Eval[bool](t, tab, fmt.Sprintf(upload, s.token(ana))) {
			t.Errorf("what came back from the page of %s isn't what was uploaded", gateway)
		}
	}
}
