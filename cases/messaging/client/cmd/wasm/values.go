//go:build js && wasm

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall/js"

	"designkits/cases/messaging/client/api"
	"designkits/cases/messaging/client/e2e"
)

// functions become an object's methods. Each gets its arguments; what it
// returns goes through valueOf.
type functions map[string]func(args []js.Value) (any, error)

// asJSON is what valueOf makes what JSON.parse returns of.
type asJSON struct{ value any }

// object makes each function one that returns a promise. It runs in a goroutine of
// its own: while one waits for the network or the database the page goes on.
func object(all functions) js.Value {
	o := js.Global().Get("Object").New()
	promise := js.Global().Get("Promise")
	for name, call := range all {
		o.Set(name, js.FuncOf(func(_ js.Value, args []js.Value) any {
			var settle js.Func
			settle = js.FuncOf(func(_ js.Value, how []js.Value) any {
				go func() {
					defer settle.Release()
					defer func() {
						if p := recover(); p != nil { // an argument is missing or of another type
							how[1].Invoke(js.Global().Get("TypeError").New(fmt.Sprintf("messenger.%s: %v", name, p)))
						}
					}()
					result, err := call(args)
					if err != nil {
						how[1].Invoke(errorOf(err))
						return
					}
					how[0].Invoke(valueOf(result))
				}()
				return nil
			})
			return promise.New(settle)
		}))
	}
	return o
}

// errorOf makes an Error, with the type of a Problem where the server has refused.
func errorOf(err error) js.Value {
	e := js.Global().Get("Error").New(err.Error())
	if p, ok := errors.AsType[*api.Problem](err); ok {
		e.Set("type", p.Type)
	}
	if _, ok := errors.AsType[*e2e.KeyChanged](err); ok {
		e.Set("name", "KeyChanged")
	}
	return e
}

func valueOf(v any) any {
	switch v := v.(type) {
	case nil:
		return js.Undefined()
	case []byte:
		array := js.Global().Get("Uint8Array").New(len(v))
		js.CopyBytesToJS(array, v)
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
	return json.Unmarshal([]byte(js.Global().Get("JSON").Call("stringify", v).String()), into)
}

// bytesOf reads a Uint8Array; nil of none.
func bytesOf(v js.Value) []byte {
	if v.IsUndefined() || v.IsNull() {
		return nil
	}
	b := make([]byte, v.Get("length").Int())
	js.CopyBytesToGo(b, v)
	return b
}

// text reads a string; "" of none.
func text(v js.Value) string {
	if v.IsUndefined() || v.IsNull() {
		return ""
	}
	return v.String()
}

func texts[T ~string](v js.Value) (all []T) {
	for i := range v.Length() {
		all = append(all, T(v.Index(i).String()))
	}
	return all
}
