// Package api is one person's messenger on one device: it makes an account or links
// the device to one, encrypts and decrypts by package e2e, keeps what was said, and
// stays connected to whichever gateway there is by package messaging/device. The
// command line runs it as it is, the page as WebAssembly.
//
// A message that is posted waits in an outbox, which the Store keeps. It is
// encrypted for the devices that its readers have by then, stored as ciphertext, and
// only then sent: after a crash the same bytes go out again under the same id, and
// nobody gets it twice.
//
// A message that arrives is decrypted and kept in one change of the Store, and
// acknowledged afterwards. So a crash in between costs nothing: its key is there as
// long as the message isn't.
//
// A key that has changed holds up what is written to that device and what it has
// sent, until a person has compared the safety number and accepts it.
package api
