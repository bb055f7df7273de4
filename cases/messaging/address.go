package messaging

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// A UserID names a person's account: "u" and 16 digits of base 32.
type UserID string

// A DeviceID tells a person's devices apart: 1, 2, …; the number of one that was
// signed out is not given again.
type DeviceID int

// MaxDevices is how many devices a person may have at once.
const MaxDevices = 8

// An Address is one device of a person, written "u….2".
type Address struct {
	User   UserID
	Device DeviceID
}

func (a Address) String() string { return string(a.User) + "." + strconv.Itoa(int(a.Device)) }

// Compare orders addresses by person and device.
func (a Address) Compare(b Address) int {
	return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Device, b.Device))
}

// ParseAddress is the reverse of String.
func ParseAddress(s string) (Address, error) {
	user, number, ok := strings.Cut(s, ".")
	device, err := strconv.Atoi(number)
	if !ok || err != nil || device < 1 || !UserID(user).Valid() {
		return Address{}, fmt.Errorf("%q is no address of a device: it looks like u0123456789abcdef.1", s)
	}
	return Address{UserID(user), DeviceID(device)}, nil
}

// MarshalText and UnmarshalText make an Address a key of JSON objects.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is the reverse of MarshalText.
func (a *Address) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAddress(string(text))
	return err
}

// looksLike reports whether an id is one of the letters and 16 digits of base 32. Each
// frame and each record has several, and a regular expression took a thirtieth of a
// gateway's time.
func looksLike(id, letters string) bool {
	if len(id) != 17 || strings.IndexByte(letters, id[0]) < 0 {
		return false
	}
	for _, c := range []byte(id[1:]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'v') {
			return false
		}
	}
	return true
}

// Valid reports whether it looks like an account's.
func (u UserID) Valid() bool { return looksLike(string(u), "u") }

// A ConversationID names a conversation: its kind's letter (c of two people, g
// of a group, b of a broadcast channel) and 16 digits of base 32.
type ConversationID string

// Valid reports whether it looks like a conversation's.
func (c ConversationID) Valid() bool { return looksLike(string(c), "cgb") }

// Kind is told by the first letter.
func (c ConversationID) Kind() Kind {
	switch c[0] {
	case 'g':
		return Group
	case 'b':
		return Channel
	}
	return Direct
}

var digits = base32.HexEncoding.WithPadding(base32.NoPadding)

func id(letter string, random []byte) string {
	return letter + strings.ToLower(digits.EncodeToString(random[:10]))
}

// NewUserID returns one that nobody has.
func NewUserID() UserID { return UserID(id("u", randomBytes())) }

// NewConversationID returns one that no group or channel has.
func NewConversationID(k Kind) ConversationID {
	return ConversationID(id(k.Letter(), randomBytes()))
}

// DirectID is the conversation of two people: the same whoever begins it.
func DirectID(a, b UserID) ConversationID {
	sum := sha256.Sum256([]byte(min(a, b) + " " + max(a, b)))
	return ConversationID(id(Direct.Letter(), sum[:]))
}

func randomBytes() []byte {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return b[:]
}

// Partitions is how many partitions the conversations are divided into. Each has
// one owner, one log, and one order. The number can't be changed while logs hold
// what was not applied yet.
const Partitions = 16

// A Partition is a part of all conversations, 0 to Partitions-1.
type Partition int

// Partition is the one that the conversation belongs to, for ever.
func (c ConversationID) Partition() Partition {
	h := fnv.New32a()
	h.Write([]byte(c))
	return Partition(h.Sum32() % Partitions)
}
