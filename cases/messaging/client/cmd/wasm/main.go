//go:build js && wasm

// Command wasm is package e2e for the browser: the same encryption as the
// command line's, as a JavaScript object that it puts into globalThis.e2e.
//
//	const go = new Go(); // wasm_exec.js
//	const { instance } = await WebAssembly.instantiateStreaming(fetch("main.wasm"), go.importObject);
//	go.run(instance); // from here on there is e2e
//	const device = await e2e.create({ user: "alice", device: 1 });
//
// An address is {user, device}, an envelope or a ciphertext a Uint8Array, a body
// a Uint8Array or a string, and keys are as package e2e has them in JSON. Each
// function returns a promise. One that is rejected has changed nothing; its
// error's name says which of the package's errors it is (errors.go).
//
// A device lives in memory. The page keeps what device.export() returns, and
// does so before it sends what the call before has made.
package main

import (
	"syscall/js"
	"time"

	"designkits/cases/messaging/client/e2e"
)

func main() {
	js.Global().Set("e2e", object(functions{
		"create": func(args []js.Value) (any, error) {
			store := e2e.NewMemory()
			d, err := e2e.Create(store, addressOf(args[0]), time.Now())
			return methods(d, store), err
		},
		"open": func(args []js.Value) (any, error) {
			store, err := e2e.Import(bytesOf(args[0]))
			if err != nil {
				return nil, err
			}
			d, err := e2e.Open(store)
			return methods(d, store), err
		},
		"encryptBlob": func(args []js.Value) (any, error) {
			ciphertext, blob, err := e2e.EncryptBlobBytes(bytesOf(args[0]))
			return fields{"ciphertext": ciphertext, "blob": asJSON{blob}}, err
		},
		"decryptBlob": func(args []js.Value) (any, error) {
			var blob e2e.Blob
			if err := fromJSON(args[1], &blob); err != nil {
				return nil, err
			}
			return e2e.DecryptBlobBytes(bytesOf(args[0]), blob)
		},
		"ciphertextSize": func(args []js.Value) (any, error) {
			return float64(e2e.CiphertextSize(int64(args[0].Float()))), nil
		},
	}))
	select {} // the functions stay callable
}

// methods is a device as an object.
func methods(d *e2e.Device, store *e2e.Memory) any {
	if d == nil {
		return nil
	}
	o := object(functions{
		"publicKeys": func([]js.Value) (any, error) {
			keys, err := d.PublicKeys()
			return asJSON{keys}, err
		},
		"addPreKeys": func(args []js.Value) (any, error) {
			keys, err := d.AddPreKeys(args[0].Int())
			return asJSON{keys}, err
		},
		"rotateSignedPreKey": func([]js.Value) (any, error) {
			key, err := d.RotateSignedPreKey(time.Now())
			return asJSON{key}, err
		},
		"startSession": func(args []js.Value) (any, error) {
			var bundle e2e.Bundle
			if err := fromJSON(args[1], &bundle); err != nil {
				return nil, err
			}
			return nil, d.StartSession(addressOf(args[0]), bundle)
		},
		"hasSession": func(args []js.Value) (any, error) { return d.HasSession(addressOf(args[0])) },
		"encrypt":    func(args []js.Value) (any, error) { return d.Encrypt(addressOf(args[0]), bytesOf(args[1])) },
		"decrypt": func(args []js.Value) (any, error) {
			m, err := d.Decrypt(addressOf(args[0]), bytesOf(args[1]))
			if m.GroupKey != "" {
				return fields{"groupKey": m.GroupKey}, err
			}
			return fields{"body": m.Body}, err
		},
		"encryptGroup": func(args []js.Value) (any, error) {
			m, err := d.EncryptGroup(args[0].String(), addressesOf(args[1]), bytesOf(args[2]))
			keys := list{}
			for _, key := range m.Keys {
				keys = append(keys, fields{"to": asJSON{key.To}, "envelope": key.Envelope})
			}
			return fields{"envelope": m.Envelope, "keys": keys}, err
		},
		"decryptGroup": func(args []js.Value) (any, error) {
			return d.DecryptGroup(args[0].String(), addressOf(args[1]), bytesOf(args[2]))
		},
		"accept": func(args []js.Value) (any, error) { // a KeyChanged error
			return nil, d.Accept(&e2e.KeyChanged{Address: addressOf(args[0]), Now: bytesOf(args[0].Get("now"))})
		},
		"forget":       func(args []js.Value) (any, error) { return nil, d.Forget(addressOf(args[0])) },
		"safetyNumber": func(args []js.Value) (any, error) { return d.SafetyNumber(args[0].String()) },
		"export":       func([]js.Value) (any, error) { return store.Export() },
	})
	o.Set("address", valueOf(asJSON{d.Address()}))
	o.Set("identityKey", valueOf(d.IdentityKey()))
	return o
}
