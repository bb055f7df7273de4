package e2e

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A Blob is what a message says of an attachment: with it, and the ciphertext
// from the store, anybody can read it.
type Blob struct {
	Key    []byte `json:"key"`    // 32 bytes, for this blob alone
	Digest []byte `json:"digest"` // SHA-256 of the ciphertext
	Size   int64  `json:"size"`   // of the plaintext, in bytes
}

// blobChunk is the plaintext of one chunk, in bytes. A reader holds one in
// memory, and shows nothing of it before it is known to be genuine.
const blobChunk = 64 << 10

const blobOverhead = 16 // GCM's tag, of each chunk

// CiphertextSize is the size of the ciphertext of size bytes, which tells
// nothing but the bucket: what an upload is announced with.
func CiphertextSize(size int64) int64 {
	padded := bucket(size)
	chunks := (padded + blobChunk - 1) / blobChunk
	return padded + chunks*blobOverhead
}

// NewBlobKey returns a key for one blob.
func NewBlobKey() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return key
}

// EncryptBlob reads a plaintext, writes its ciphertext, and returns what the
// message must say of it. The same key and plaintext give the same ciphertext,
// so that an upload that broke off can go on; another plaintext must never get
// the same key.
//
// It is AES-256-GCM by chunks, with a counter and a mark of the last one as
// nonce (the STREAM construction: "Online Authenticated-Encryption and its
// Nonce-Reuse Misuse-Resistance", CRYPTO 2015, §7): chunks can't be exchanged,
// left out, or cut off.
func EncryptBlob(w io.Writer, r io.Reader, key []byte) (Blob, error) {
	aead, err := blobCipher(key)
	if err != nil {
		return Blob{}, fmt.Errorf("encrypt a blob: %w", err)
	}
	plain := &padding{r: r}
	digest := sha256.New()
	in, out := bufio.NewReaderSize(plain, blobChunk+1), io.MultiWriter(w, digest)
	err = eachChunk(in, blobChunk, func(chunk, nonce []byte) error {
		_, err := out.Write(aead.Seal(nil, nonce, chunk, nil))
		return err
	})
	if err != nil {
		return Blob{}, fmt.Errorf("encrypt a blob: %w", err)
	}
	return Blob{Key: key, Digest: digest.Sum(nil), Size: plain.size}, nil
}

// DecryptBlob reads a ciphertext and writes its plaintext, each chunk only once
// it is known to be genuine. On an error what was written is a genuine
// beginning; the caller throws it away. ErrUndecryptable when the ciphertext
// isn't the blob's.
func DecryptBlob(w io.Writer, r io.Reader, blob Blob) error {
	aead, err := blobCipher(blob.Key)
	if err != nil {
		return fmt.Errorf("decrypt a blob: %w", err)
	}
	digest := sha256.New()
	in, left := bufio.NewReaderSize(io.TeeReader(r, digest), blobChunk+blobOverhead+1), blob.Size
	err = eachChunk(in, blobChunk+blobOverhead, func(chunk, nonce []byte) error {
		plain, err := aead.Open(chunk[:0], nonce, chunk, nil)
		if err != nil {
			return fmt.Errorf("%w: a chunk", ErrUndecryptable)
		}
		own := min(left, int64(len(plain)))
		left -= own
		_, err = w.Write(plain[:own])
		return err
	})
	if err == nil && (left > 0 || subtle.ConstantTimeCompare(digest.Sum(nil), blob.Digest) != 1) {
		err = fmt.Errorf("%w: its size or digest", ErrUndecryptable)
	}
	if err != nil {
		return fmt.Errorf("decrypt a blob: %w", err)
	}
	return nil
}

func blobCipher(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("%w: a key of %d bytes, not 32", ErrMalformed, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// eachChunk calls do with each chunk of at most size bytes, which it may write
// over, and its nonce. There is at least one, and only the last is shorter.
func eachChunk(in *bufio.Reader, size int, do func(chunk, nonce []byte) error) error {
	chunk, nonce := make([]byte, size), make([]byte, 12)
	for counter := uint64(0); ; counter++ {
		n, err := io.ReadFull(in, chunk)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		_, err = in.Peek(1)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return err
		}
		binary.BigEndian.PutUint64(nonce[3:], counter)
		if last {
			nonce[11] = 1
		}
		if err := do(chunk[:n], nonce); err != nil || last {
			return err
		}
	}
}

// padding reads what r has and then zeros up to the bucket.
type padding struct {
	r     io.Reader
	size  int64 // of what r had, once it has ended
	zeros io.Reader
}

func (p *padding) Read(b []byte) (int, error) {
	if p.zeros != nil {
		return p.zeros.Read(b)
	}
	n, err := p.r.Read(b)
	p.size += int64(n)
	if errors.Is(err, io.EOF) {
		p.zeros = io.LimitReader(zeroes{}, bucket(p.size)-p.size)
		err = nil
	}
	return n, err
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// EncryptBlobBytes is EncryptBlob with a new key, for what is in memory anyway.
func EncryptBlobBytes(plain []byte) (ciphertext []byte, blob Blob, err error) {
	var out bytes.Buffer
	blob, err = EncryptBlob(&out, bytes.NewReader(plain), NewBlobKey())
	return out.Bytes(), blob, err
}

// DecryptBlobBytes is DecryptBlob in memory.
func DecryptBlobBytes(ciphertext []byte, blob Blob) ([]byte, error) {
	var out bytes.Buffer
	err := DecryptBlob(&out, bytes.NewReader(ciphertext), blob)
	return out.Bytes(), err
}
