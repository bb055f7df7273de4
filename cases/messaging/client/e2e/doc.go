// Package e2e encrypts what people send each other so that only their devices
// can read it: the server sees who writes to whom, when, and about how much.
//
// A Device has an identity key pair of its own and publishes PublicKeys. Whoever
// writes to it for the first time gets a Bundle of them, agrees on a secret with
// it though it is offline (X3DH), and from there on each message has a key of
// its own (double ratchet). Encrypt and Decrypt do this between two devices;
// a message to a person is encrypted once for each of their devices. In a group
// each device has a sender key, which it hands to the others' devices one by
// one, and then encrypts a message once for all: EncryptGroup.
//
// What it guarantees: a body that was altered, repeated, or sent by somebody
// else is refused; lost and reordered ones don't hinder the others, up to 2000
// skipped and five turns of the conversation back; a key that leaks today reads
// neither yesterday's messages nor, after one answer, tomorrow's. A key that
// changes is an error (KeyChanged) until a person accepts it, and two people
// can compare a SafetyNumber.
//
// What it doesn't: hide who talks to whom, or protect a device whose Store is
// read by somebody else. The Store keeps private keys as they are.
//
// Each call changes the Store once, all or nothing, before it returns: no key
// is used twice, and what can't be decrypted changes nothing. A ciphertext must
// only be sent after the call that made it has returned.
//
// The protocol is go.mau.fi/libsignal's, which is GPL-3. Therefore this module
// is GPL-3 too, and no other module of the project links it.
package e2e
