// Package media is how attachments travel: as blobs that the sender has encrypted,
// straight from its device to the store and from there to the devices of those who
// got the message that says where the blob is and how to read it.
//
// A message's body is small (see messaging.MaxBody), so a message of 10 MB is a
// message with a pointer and a blob of three parts. A blob goes up in parts, each
// by an address that is signed for exactly these bytes; after a break the device
// asks which parts are there and sends the others.
//
// Who may read a blob? The server doesn't know which message points to it, since
// the pointer stands in the encrypted body, so it can't ask whether somebody is a
// member. What it can do is this: the id has 160 random bits and is told to nobody
// but in messages; only a device that is signed in is given an address, which is
// good for minutes; and who gets hold of a blob nonetheless has ciphertext. A member
// may pass the pointer on, as they may pass on what they have read.
//
// Blobs are dropped: those whose upload isn't completed, those that no sender has
// said to have sent, and all others once no inbox can hold their message any more.
package media

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"
	"time"

	"designkits/cases/messaging"
)

// An ID names a blob: "m" and 32 digits of base 32.
type ID string

var idForm = regexp.MustCompile(`^m[0-9a-v]{32}$`)

// Valid reports whether it looks like a blob's.
func (id ID) Valid() bool { return idForm.MatchString(string(id)) }

// NewID returns one that nobody can guess.
func NewID() ID {
	var random [20]byte
	_, _ = rand.Read(random[:]) // never fails, see crypto/rand
	return ID("m" + strings.ToLower(base32.HexEncoding.EncodeToString(random[:])))
}

// PartSize is the size of each part but the last, in bytes: the least that S3
// takes, so that a break costs little.
const PartSize = 5 << 20

// Most is the largest blob of each type, in bytes of ciphertext. The type is what
// the sender says: of what is encrypted nobody can see it. It bounds honest clients;
// the largest of them bounds all.
var Most = map[string]int64{
	"thumbnail": 512 << 10,
	"audio":     25 << 20,
	"image":     25 << 20,
	"video":     100 << 20,
	"file":      100 << 20,
}

// A Part is a part of a blob, by the SHA-256 of its bytes.
type Part struct {
	Size   int64  `json:"size"`
	SHA256 []byte `json:"sha256"`
}

// Divide returns the parts of a blob, or a *messaging.Invalid.
func Divide(size int64, kind string, sums [][]byte) ([]Part, error) {
	most, ok := Most[kind]
	if !ok {
		return nil, &messaging.Invalid{Field: "type", Reason: "one of thumbnail, audio, image, video, file"}
	}
	if size < 1 || size > most {
		return nil, &messaging.Invalid{Field: "size", Reason: fmt.Sprintf("1 to %d bytes for a blob of type %s", most, kind)}
	}
	if n := (size + PartSize - 1) / PartSize; int64(len(sums)) != n {
		return nil, &messaging.Invalid{Field: "sha256", Reason: fmt.Sprintf("%d sums for %d parts of %d bytes", len(sums), n, PartSize)}
	}
	parts := make([]Part, len(sums))
	for i, sum := range sums {
		if len(sum) != 32 {
			return nil, &messaging.Invalid{Field: "sha256", Reason: "each has 32 bytes, in base 64"}
		}
		parts[i] = Part{min(PartSize, size-int64(i)*PartSize), sum}
	}
	return parts, nil
}

const (
	// UploadFor is how long an upload may take, breaks included, and how long the
	// sender then has to send the message.
	UploadFor = 24 * time.Hour
	// KeptFor is how long a blob is kept: as long as its message may wait in an
	// inbox, and a day to fetch it.
	KeptFor = messaging.InboxFor + 24*time.Hour
)

// Expired reports whether a blob that was completed at a time is to be dropped.
func Expired(now, completed time.Time, used bool) bool {
	age := now.Sub(completed)
	return age > KeptFor || !used && age > UploadFor
}
