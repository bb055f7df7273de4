package e2e_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"testing"

	"designkits/cases/messaging/client/e2e"
)

var sizes = []int{64, 1 << 10, 16 << 10}

// BenchmarkMessage encrypts a message and decrypts it at the other device, in
// turns, so that each message also turns the ratchet. Compare with BenchmarkBare.
func BenchmarkMessage(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			alice, bob := talking(b)
			body := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				envelope, err := alice.Encrypt(bob.Address(), body)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := bob.Decrypt(alice.Address(), envelope); err != nil {
					b.Fatal(err)
				}
				alice, bob = bob, alice
			}
		})
	}
}

// BenchmarkOneWay is BenchmarkMessage while only one of them writes: no turn of the ratchet.
func BenchmarkOneWay(b *testing.B) {
	alice, bob := talking(b)
	body := make([]byte, 1<<10)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		envelope, err := alice.Encrypt(bob.Address(), body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := bob.Decrypt(alice.Address(), envelope); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGroup encrypts once and decrypts once with a sender key.
func BenchmarkGroup(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			alice, bob := talking(b)
			all := []*e2e.Device{alice, bob}
			handOut(b, alice, "g", toGroup(b, alice, "g", all, "hi"), all...)
			body := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				message, err := alice.EncryptGroup("g", addresses(all...), body)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := bob.DecryptGroup("g", alice.Address(), message.Envelope); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBare is AES-256-GCM with one key that both have: what encryption
// costs without anything that Signal's adds.
func BenchmarkBare(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			block, err := aes.NewCipher(e2e.NewBlobKey())
			if err != nil {
				b.Fatal(err)
			}
			aead, err := cipher.NewGCMWithRandomNonce(block)
			if err != nil {
				b.Fatal(err)
			}
			body := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := aead.Open(nil, nil, aead.Seal(nil, nil, body, nil), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBlob encrypts and decrypts 8 MiB, as a stream.
func BenchmarkBlob(b *testing.B) {
	plain := make([]byte, 8<<20)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		var ciphertext bytes.Buffer
		blob, err := e2e.EncryptBlob(&ciphertext, bytes.NewReader(plain), e2e.NewBlobKey())
		if err != nil {
			b.Fatal(err)
		}
		if err := e2e.DecryptBlob(io.Discard, &ciphertext, blob); err != nil {
			b.Fatal(err)
		}
	}
}
