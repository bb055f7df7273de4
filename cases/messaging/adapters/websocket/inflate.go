package websocket

import (
	"bytes"
	"compress/flate"
	"io"
	"sync"
)

// tail is what RFC 7692, §7.2.2 has a receiver add to a message, and an empty
// last block, so that the reader sees an end.
var tail = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}

// An inflater decompresses one message after another. It has 40 KB of window and
// tables, so there are as many as messages that are decompressed at a time, and
// not one a connection: no context is taken over.
type inflater struct {
	compressed bytes.Reader
	end        bytes.Reader
	window     io.ReadCloser
}

var inflaters = sync.Pool{New: func() any { return &inflater{window: flate.NewReader(nil)} }}

// inflate appends the decompressed message to dst, at most that many bytes: a few
// bytes may claim to be gigabytes.
func inflate(compressed, dst []byte, most int) ([]byte, *failure) {
	z := inflaters.Get().(*inflater)
	defer inflaters.Put(z)
	z.compressed.Reset(compressed)
	z.end.Reset(tail)
	if err := z.window.(flate.Resetter).Reset(io.MultiReader(&z.compressed, &z.end), nil); err != nil {
		return nil, errDeflated
	}
	defer z.compressed.Reset(nil) // doesn't keep the message
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := z.window.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst) > most {
			return nil, errTooLarge
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return nil, errDeflated
		}
	}
}
