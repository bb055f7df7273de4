package e2e

import (
	"encoding/binary"
	"fmt"
)

// An envelope is what the server carries: a version, a kind, and a message of
// the Signal protocol in its own encoding.
const envelopeVersion = 1

// A Kind says how an envelope is opened.
type Kind byte

const (
	KindPreKey    Kind = 1 // begins a session; everything that is sent before the first answer
	KindWhisper   Kind = 2 // within a session
	KindSenderKey Kind = 3 // to a group
)

func seal(kind Kind, message []byte) []byte {
	return append([]byte{envelopeVersion, byte(kind)}, message...)
}

// KindOf reads an envelope's kind, and refuses what is no envelope.
func KindOf(envelope []byte) (Kind, error) {
	if len(envelope) < 3 {
		return 0, fmt.Errorf("%w: an envelope of %d bytes", ErrMalformed, len(envelope))
	}
	if envelope[0] != envelopeVersion {
		return 0, fmt.Errorf("%w: an envelope of version %d, and this client knows %d", ErrMalformed, envelope[0], envelopeVersion)
	}
	kind := Kind(envelope[1])
	if kind < KindPreKey || kind > KindSenderKey {
		return 0, fmt.Errorf("%w: an envelope of unknown kind %d", ErrMalformed, kind)
	}
	return kind, nil
}

// Inside, after decryption and without its padding, a message says what it is.
const (
	contentBody     = 0 // what a person has sent
	contentGroupKey = 1 // the sender's key for a group
)

func encodeBody(body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return nil, ErrTooLarge
	}
	return pad(append([]byte{contentBody}, body...)), nil
}

func encodeGroupKey(group string, distribution []byte) []byte {
	content := binary.AppendUvarint([]byte{contentGroupKey}, uint64(len(group)))
	return pad(append(append(content, group...), distribution...))
}

// A content is what decodeContent finds; group is empty for a body.
type content struct {
	group string
	bytes []byte
}

func decodeContent(padded []byte) (content, error) {
	plain, err := unpad(padded)
	if err != nil {
		return content{}, err
	}
	if len(plain) == 0 {
		return content{}, fmt.Errorf("%w: an empty message", ErrMalformed)
	}
	kind, rest := plain[0], plain[1:]
	switch kind {
	case contentBody:
		return content{bytes: rest}, nil
	case contentGroupKey:
		n, size := binary.Uvarint(rest)
		if size <= 0 || n == 0 || n > uint64(len(rest)-size) {
			return content{}, fmt.Errorf("%w: a group key without its group", ErrMalformed)
		}
		rest = rest[size:]
		return content{group: string(rest[:n]), bytes: rest[n:]}, nil
	}
	return content{}, fmt.Errorf("%w: content of unknown kind %d: a newer client has sent it", ErrMalformed, kind)
}
