//go:build js && wasm

// Command wasm is package api for the browser: the same messenger as the command
// line's, as a JavaScript object that it puts into globalThis.messenger.
//
//	const go = new Go(); // wasm_exec.js
//	const { instance } = await WebAssembly.instantiateStreaming(fetch("main.wasm"), go.importObject);
//	go.run(instance); // from here on there is messenger
//	const client = await messenger.open("ana's phone", location.host, (conversation) => …);
//
// The state of a device is in an IndexedDB database of its name; whoever calls sees
// to it that only one page has it open. Each function returns a promise. What it
// resolves to is as package api has it in JSON; bytes are a Uint8Array.
package main

import (
	"context"
	"syscall/js"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/api"
	"designkits/cases/messaging/client/body"
	"designkits/cases/messaging/presence"
)

func main() {
	js.Global().Set("messenger", object(functions{
		"open": func(args []js.Value) (any, error) {
			store, err := openDatabase(args[0].String())
			if err != nil {
				return nil, err
			}
			changed := args[2]
			c, err := api.Open(api.Config{Store: store, Gateway: args[1].String(), Changed: func(id messaging.ConversationID) {
				go changed.Invoke(string(id)) // it is called with locks held
			}})
			if err != nil {
				return nil, err
			}
			return methods(c), nil
		},
	}))
	select {} // the functions stay callable
}

func methods(c *api.Client) js.Value {
	ctx := context.Background() // a page ends with its tab
	id := func(v js.Value) messaging.ConversationID { return messaging.ConversationID(v.String()) }
	user := func(v js.Value) messaging.UserID { return messaging.UserID(v.String()) }
	message := func(v js.Value) messaging.MessageID { return messaging.MessageID(text(v)) }
	return object(functions{
		"me":       func([]js.Value) (any, error) { return asJSON{c.Me()}, nil },
		"signUp":   func(a []js.Value) (any, error) { return nil, c.SignUp(ctx, a[0].String(), a[1].String()) },
		"link":     func(a []js.Value) (any, error) { return nil, c.Link(ctx, a[0].String(), a[1].String()) },
		"run":      func([]js.Value) (any, error) { return nil, c.Run(ctx) },
		"linkCode": func([]js.Value) (any, error) { return c.LinkCode(ctx) },
		"devices":  func([]js.Value) (any, error) { all, err := c.Devices(ctx); return asJSON{all}, err },
		"signOut":  func(a []js.Value) (any, error) { return nil, c.SignOut(ctx, messaging.DeviceID(a[0].Int())) },
		"privacy":  func([]js.Value) (any, error) { p, err := c.Privacy(ctx); return string(p), err },
		"show":     func(a []js.Value) (any, error) { return nil, c.ShowPresence(ctx, presence.Privacy(a[0].String())) },
		"talks":    func([]js.Value) (any, error) { return asJSON{append([]api.View{}, c.Talks()...)}, nil },
		"view":     func(a []js.Value) (any, error) { return asJSON{c.View(id(a[0]), a[1].Int())}, nil },
		"search": func(a []js.Value) (any, error) {
			return asJSON{append([]api.Found{}, c.Search(a[0].String(), 50)...)}, nil
		},
		"begin": func(a []js.Value) (any, error) { id, err := c.Begin(ctx, a[0].String()); return string(id), err },
		"beginGroup": func(a []js.Value) (any, error) {
			id, err := c.BeginGroup(ctx, messaging.Kind(a[0].String()), a[1].String(), texts[string](a[2]))
			return string(id), err
		},
		"add":    func(a []js.Value) (any, error) { return nil, c.Add(ctx, id(a[0]), texts[string](a[1])) },
		"remove": func(a []js.Value) (any, error) { return nil, c.Remove(id(a[0]), user(a[1])) },
		"leave":  func(a []js.Value) (any, error) { return nil, c.Leave(id(a[0])) },
		"say": func(a []js.Value) (any, error) {
			m, err := c.Say(id(a[0]), a[1].String(), message(a[2]), texts[messaging.UserID](a[3]))
			return string(m), err
		},
		"edit": func(a []js.Value) (any, error) {
			return nil, c.Edit(id(a[0]), message(a[1]), a[2].String(), texts[messaging.UserID](a[3]))
		},
		"react":  func(a []js.Value) (any, error) { return nil, c.React(id(a[0]), message(a[1]), a[2].String()) },
		"delete": func(a []js.Value) (any, error) { return nil, c.Delete(id(a[0]), message(a[1])) },
		"retry":  func(a []js.Value) (any, error) { return nil, c.Retry(message(a[0]), a[1].Bool()) },
		"seen":   func(a []js.Value) (any, error) { return nil, c.Seen(id(a[0])) },
		"typing": func(a []js.Value) (any, error) { c.Typing(id(a[0]), a[1].Bool()); return nil, nil },
		"look":   func(a []js.Value) (any, error) { c.Look(id(a[0])); return nil, nil },
		"attach": func(a []js.Value) (any, error) {
			f := a[1]
			m, err := c.Attach(ctx, id(a[0]), api.Attachment{
				Data: bytesOf(f.Get("data")), Name: f.Get("name").String(), Type: f.Get("type").String(),
				Width: f.Get("width").Int(), Height: f.Get("height").Int(), Thumbnail: bytesOf(f.Get("thumbnail")),
			}, a[2].String(), message(a[3]))
			return string(m), err
		},
		"fetch": func(a []js.Value) (any, error) {
			var p body.Pointer
			if err := fromJSON(a[0], &p); err != nil {
				return nil, err
			}
			return c.Fetch(ctx, p)
		},
		"safetyNumber": func(a []js.Value) (any, error) { return c.SafetyNumber(ctx, user(a[0])) },
		"accept":       func(a []js.Value) (any, error) { return nil, c.Accept(user(a[0])) },
	})
}
