//go:build js && wasm

package main

import (
	"encoding/json"
	"fmt"
	"syscall/js"

	"designkits/cases/messaging/client/e2e"
)

// functions become an object's methods. Each gets its arguments; what it
// returns goes through valueOf.
type functions map[string]func(args []js.Value) (any, error)

// What valueOf makes an object, an array, or what JSON.parse returns of.
type (
	fields map[string]any
	list   []any
	asJSON struct{ value any }
)

// object makes each function one that returns a promise.
func object(all functions) js.Value {
	o := js.Global().Get("Object").New()
	promise := js.Global().Get("Promise")
	for name, call := range all {
		o.Set(name, js.FuncOf(func(_ js.Value, args []js.Value) (settled any) {
			defer func() {
				if p := recover(); p != nil { // an argument is missing or of another type
					settled = promise.Call("reject", js.Global().Get("TypeError").New(fmt.Sprintf("e2e.%s: %v", name, p)))
				}
			}()
			result, err := call(args)
			if err != nil {
				return promise.Call("reject", errorOf(err))
			}
			return promise.Call("resolve", valueOf(result))
		}))
	}
	return o
}

func valueOf(v any) any {
	switch v := v.(type) {
	case nil:
		return js.Undefined()
	case []byte:
		array := js.Global().Get("Uint8Array").New(len(v))
		js.CopyBytesToJS(array, v)
		return array
	case fields:
		o := js.Global().Get("Object").New()
		for name, value := range v {
			o.Set(name, valueOf(value))
		}
		return o
	case list:
		array := js.Global().Get("Array").New()
		for _, value := range v {
			array.Call("push", valueOf(value))
		}
		return array
	case asJSON:
		text, err := json.Marshal(v.value)
		if err != nil {
			panic(err) // they are structs of this module
		}
		return js.Global().Get("JSON").Call("parse", string(text))
	}
	return v
}

func fromJSON(v js.Value, into any) error {
	text := js.Global().Get("JSON").Call("stringify", v).String()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("%w: %w", e2e.ErrMalformed, err)
	}
	return nil
}

// bytesOf reads a Uint8Array, or a string as UTF-8.
func bytesOf(v js.Value) []byte {
	if v.Type() == js.TypeString {
		return []byte(v.String())
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b
}

func addressOf(v js.Value) e2e.Address {
	return e2e.Address{User: v.Get("user").String(), Device: uint32(v.Get("device").Int())}
}

func addressesOf(v js.Value) (all []e2e.Address) {
	for i := range v.Length() {
		all = append(all, addressOf(v.Index(i)))
	}
	return all
}
