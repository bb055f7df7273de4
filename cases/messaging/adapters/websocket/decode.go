package websocket

import (
	"encoding/binary"
	"unicode/utf8"
)

// The opcodes of RFC 6455, §5.2.
const (
	opContinuation byte = 0x0
	opText         byte = 0x1
	opBinary       byte = 0x2
	opClose        byte = 0x8
	opPing         byte = 0x9
	opPong         byte = 0xA
)

const (
	maxControl = 125 // bytes of a control frame's payload
	maxHead    = 14  // bytes of a frame's header
)

// A message is what a decoder finds: whole text or binary, or a control frame.
// The payload is good until the decoder is given more.
type message struct {
	op      byte
	payload []byte
}

// A decoder takes frames apart, wherever the pieces in which they arrive begin
// and end, and puts messages together. It only holds what isn't complete: between
// messages it is empty, and a connection has none.
type decoder struct {
	max     int  // bytes of a message
	deflate bool // messages may be compressed

	head    [maxHead]byte // of the frame that has begun
	headLen int
	inFrame bool // the header is complete and was looked at
	fin     bool
	op      byte
	mask    [4]byte
	pos     int // bytes of the payload so far
	left    int // bytes of the payload to come

	control [maxControl]byte

	begun      byte // the message that has begun: opText, opBinary, or 0
	compressed bool
	data       []byte // of that message, so far
	checked    int    // bytes of it that are known to be UTF-8
	inflated   []byte
}

// idle reports whether the decoder holds nothing.
func (d *decoder) idle() bool { return d.headLen == 0 && !d.inFrame && d.begun == 0 }

// decode takes bytes, which it changes, and returns the first message that they
// complete and what follows it; ok is false where they complete none, and then
// all of them are taken. After a failure the decoder is of no more use.
func (d *decoder) decode(data []byte) (m message, rest []byte, ok bool, fail *failure) {
	for {
		if !d.inFrame {
			if data, ok = d.takeHead(data); !ok {
				return message{}, nil, false, nil
			}
			if fail := d.begin(); fail != nil {
				return message{}, nil, false, fail
			}
		}
		piece := data[:min(len(data), d.left)]
		data = data[len(piece):]
		d.unmask(piece)
		d.left -= len(piece)
		if d.op >= opClose {
			copy(d.control[d.pos:], piece)
			d.pos += len(piece)
			if d.left > 0 {
				return message{}, nil, false, nil
			}
			d.inFrame = false
			return message{d.op, d.control[:d.pos]}, data, true, nil
		}
		d.pos += len(piece)
		payload, fail := d.add(piece)
		if fail != nil || d.left > 0 {
			return message{}, nil, false, fail
		}
		d.inFrame = false
		if !d.fin {
			continue
		}
		m, fail = d.finish(payload)
		return m, data, fail == nil, fail
	}
}

// takeHead collects a frame's header; ok says that it is complete.
func (d *decoder) takeHead(data []byte) (rest []byte, ok bool) {
	for {
		need := 2
		if d.headLen >= 2 {
			need = headSize(d.head[1])
		}
		if d.headLen == need && need > 2 {
			return data, true
		}
		if len(data) == 0 {
			return nil, false
		}
		n := copy(d.head[d.headLen:need], data)
		d.headLen += n
		data = data[n:]
		if d.headLen == 2 && headSize(d.head[1]) == 2 { // not masked: begin refuses it
			return data, true
		}
	}
}

// headSize is how long a header is, by its second byte.
func headSize(second byte) int {
	size := 2
	if second&0x80 != 0 {
		size += 4
	}
	switch second & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	return size
}

// begin looks at a header and begins its frame.
func (d *decoder) begin() *failure {
	first, second := d.head[0], d.head[1]
	head := d.head[2:d.headLen]
	d.headLen, d.inFrame, d.pos = 0, true, 0
	d.fin, d.op = first&0x80 != 0, first&0x0f
	length := uint64(second & 0x7f)
	switch length {
	case 126:
		length = uint64(binary.BigEndian.Uint16(head))
		if head = head[2:]; length < 126 {
			return errLength
		}
	case 127:
		length = binary.BigEndian.Uint64(head)
		if head = head[8:]; length>>16 == 0 || length>>63 != 0 {
			return errLength
		}
	}
	if second&0x80 == 0 {
		return errUnmasked
	}
	copy(d.mask[:], head)
	compressed := first&0x40 != 0
	if first&0x30 != 0 || compressed && (!d.deflate || d.op != opText && d.op != opBinary) {
		return errReserved
	}
	switch d.op {
	case opText, opBinary:
		if d.begun != 0 {
			return errInterleaved
		}
		d.begun, d.compressed, d.data, d.checked = d.op, compressed, d.data[:0], 0
	case opContinuation:
		if d.begun == 0 {
			return errContinuation
		}
	case opClose, opPing, opPong:
		if !d.fin || length > maxControl {
			return errControl
		}
		d.left = int(length)
		return nil
	default:
		return errOpcode
	}
	if length > uint64(d.max-len(d.data)) {
		return errTooLarge
	}
	d.left = int(length)
	return nil
}

// unmask undoes the mask of a piece of the payload at d.pos.
func (d *decoder) unmask(piece []byte) {
	var key [8]byte
	for i := range key {
		key[i] = d.mask[(d.pos+i)&3]
	}
	wide := binary.NativeEndian.Uint64(key[:])
	for len(piece) >= 8 {
		binary.NativeEndian.PutUint64(piece, binary.NativeEndian.Uint64(piece)^wide)
		piece = piece[8:]
	}
	for i := range piece {
		piece[i] ^= key[i]
	}
}

// add adds a piece to the message. Where it is the whole, which is the rule, it
// is not copied.
func (d *decoder) add(piece []byte) (payload []byte, fail *failure) {
	whole := d.left == 0 && d.fin
	if whole && len(d.data) == 0 {
		payload = piece
	} else {
		d.data = append(d.data, piece...)
		payload = d.data
	}
	if d.begun != opText || d.compressed {
		return payload, nil
	}
	// What can't become UTF-8 any more is refused before the rest has arrived.
	end := len(payload)
	if !whole {
		end = d.checked + wholeRunes(payload[d.checked:])
	}
	if !utf8.Valid(payload[d.checked:end]) {
		return nil, errInvalidUTF8
	}
	d.checked = end
	return payload, nil
}

// wholeRunes is how many of the bytes there are before a last rune of which
// more has to come.
func wholeRunes(p []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if at := len(p) - i; utf8.RuneStart(p[at]) {
			if !utf8.FullRune(p[at:]) {
				return at
			}
			break
		}
	}
	return len(p)
}

// finish ends a message.
func (d *decoder) finish(payload []byte) (message, *failure) {
	m := message{d.begun, payload}
	if d.begun = 0; !d.compressed {
		return m, nil
	}
	var fail *failure
	if m.payload, fail = inflate(payload, d.inflated[:0], d.max); fail != nil {
		return message{}, fail
	}
	d.inflated = m.payload
	if m.op == opText && !utf8.Valid(m.payload) {
		return message{}, errInvalidUTF8
	}
	return m, nil
}
