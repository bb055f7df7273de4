//go:build js && wasm

package main

import (
	"errors"
	"fmt"
	"syscall/js"

	"designkits/cases/messaging/client/e2e"
)

// A database is an e2e.Store in the browser's IndexedDB. All of it is in memory as
// well, for what is read; an Apply is one transaction there before it is one here.
type database struct {
	*e2e.Memory
	db js.Value
}

var _ e2e.Store = (*database)(nil)

const objects = "state" // the one object store

func openDatabase(name string) (*database, error) {
	request := js.Global().Get("indexedDB").Call("open", name, 1)
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		request.Get("result").Call("createObjectStore", objects)
		return nil
	})
	defer upgrade.Release()
	request.Set("onupgradeneeded", upgrade)
	if err := await(request, "success", "error", "blocked"); err != nil {
		return nil, fmt.Errorf("open the browser's database %s: %w", name, err)
	}
	d := &database{e2e.NewMemory(), request.Get("result")}
	store := d.db.Call("transaction", objects).Call("objectStore", objects)
	keys, values := store.Call("getAllKeys"), store.Call("getAll")
	if err := await(values, "success", "error"); err != nil { // the keys came before
		return nil, fmt.Errorf("read the browser's database %s: %w", name, err)
	}
	entries := map[string][]byte{}
	for i := range keys.Get("result").Length() {
		entries[keys.Get("result").Index(i).String()] = bytesOf(values.Get("result").Index(i))
	}
	return d, d.Memory.Apply(entries)
}

// Apply keeps changes in one transaction.
func (d *database) Apply(changes map[string][]byte) error {
	options := js.Global().Get("Object").New()
	options.Set("durability", "strict")
	transaction := d.db.Call("transaction", objects, "readwrite", options)
	store := transaction.Call("objectStore", objects)
	for key, value := range changes {
		if value == nil {
			store.Call("delete", key)
		} else {
			store.Call("put", valueOf(value), key)
		}
	}
	if err := await(transaction, "complete", "error", "abort"); err != nil {
		return fmt.Errorf("write to the browser's database: %w", err)
	}
	return d.Memory.Apply(changes)
}

// await returns when a request or a transaction has succeeded or failed.
func await(on js.Value, good string, bad ...string) error {
	done := make(chan error, 1+len(bad)) // an error is followed by an abort
	var all []js.Func
	listen := func(event string, err func() error) {
		f := js.FuncOf(func(js.Value, []js.Value) any {
			select {
			case done <- err():
			default:
			}
			return nil
		})
		all = append(all, f)
		on.Set("on"+event, f)
	}
	listen(good, func() error { return nil })
	for _, event := range bad {
		listen(event, func() error {
			if why := on.Get("error"); why.Truthy() {
				return errors.New(why.Get("message").String())
			}
			return errors.New(event)
		})
	}
	err := <-done
	for _, event := range append([]string{good}, bad...) {
		on.Set("on"+event, js.Null())
	}
	for _, f := range all {
		f.Release()
	}
	return err
}
