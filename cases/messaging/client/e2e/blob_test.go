package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"designkits/cases/messaging/client/e2e"
)

const chunk = 64 << 10

func TestABlobComesBack(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, 257, chunk - 1, chunk, chunk + 1, 2 * chunk, 3*chunk + 17, 1 << 20} {
		plain := bytes.Repeat([]byte("blob "), size/5+1)[:size]
		ciphertext, blob, err := e2e.EncryptBlobBytes(plain)
		if err != nil {
			t.Fatal(err)
		}
		if digest := sha256.Sum256(ciphertext); !bytes.Equal(digest[:], blob.Digest) || blob.Size != int64(size) {
			t.Errorf("%d bytes: the pointer says %d and another digest", size, blob.Size)
		}
		if got := e2e.CiphertextSize(int64(size)); got != int64(len(ciphertext)) {
			t.Errorf("%d bytes: announced as %d, and became %d", size, got, len(ciphertext))
		}
		var out bytes.Buffer
		if err := e2e.DecryptBlob(&out, iotest.OneByteReader(bytes.NewReader(ciphertext)), blob); err != nil || !bytes.Equal(out.Bytes(), plain) {
			t.Errorf("%d bytes came back as %d: %v", size, out.Len(), err)
		}
		var again bytes.Buffer
		if same, err := e2e.EncryptBlob(&again, iotest.HalfReader(bytes.NewReader(plain)), blob.Key); err != nil ||
			!bytes.Equal(again.Bytes(), ciphertext) || !bytes.Equal(same.Digest, blob.Digest) {
			t.Errorf("%d bytes: an upload that goes on has another ciphertext: %v", size, err)
		}
	}
}

func TestABlobThatIsNotTheOneIsRefused(t *testing.T) {
	plain := bytes.Repeat([]byte("0123456789abcdef"), 3*chunk/16)
	ciphertext, blob, err := e2e.EncryptBlobBytes(plain)
	if err != nil {
		t.Fatal(err)
	}
	const sealed = chunk + 16
	swapped := slices.Concat(ciphertext[sealed:2*sealed], ciphertext[:sealed], ciphertext[2*sealed:])
	other := blob
	other.Key = e2e.NewBlobKey()
	shorter, longer, another := blob, blob, blob
	shorter.Size--
	longer.Size = int64(len(plain)) * 2
	another.Digest = make([]byte, 32)
	for name, is := range map[string]struct {
		ciphertext []byte
		blob       e2e.Blob
	}{
		"cut at a chunk":          {ciphertext[:2*sealed], blob},
		"cut":                     {ciphertext[:len(ciphertext)-1], blob},
		"nothing":                 {nil, blob},
		"longer":                  {append(slices.Clone(ciphertext), 0), blob},
		"chunks exchanged":        {swapped, blob},
		"another key":             {ciphertext, other},
		"another digest":          {ciphertext, another},
		"larger than it is":       {ciphertext, longer},
		"a key that is too short": {ciphertext, e2e.Blob{Key: blob.Key[:16], Digest: blob.Digest, Size: blob.Size}},
	} {
		if _, err := e2e.DecryptBlobBytes(is.ciphertext, is.blob); !errors.Is(err, e2e.ErrUndecryptable) && !errors.Is(err, e2e.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := e2e.DecryptBlobBytes(ciphertext, shorter); err != nil || len(got) != len(plain)-1 {
		t.Errorf("the size is the sender's word: %d bytes, %v", len(got), err)
	}
}

func TestAnAlteredBlobShowsOnlyAGenuineBeginning(t *testing.T) {
	plain := bytes.Repeat([]byte("0123456789abcdef"), 3*chunk/16)
	ciphertext, blob, err := e2e.EncryptBlobBytes(plain)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		altered := slices.Clone(ciphertext)
		altered[rapid.IntRange(0, len(altered)-1).Draw(t, "byte")] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
		got, err := e2e.DecryptBlobBytes(altered, blob)
		if !errors.Is(err, e2e.ErrUndecryptable) || !bytes.HasPrefix(plain, got) || len(got) == len(plain) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}

func TestABlobsErrorsAreTold(t *testing.T) {
	broken := errors.New("broken")
	if _, err := e2e.EncryptBlob(io.Discard, iotest.ErrReader(broken), e2e.NewBlobKey()); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
	ciphertext, blob, err := e2e.EncryptBlobBytes(make([]byte, chunk))
	if err != nil {
		t.Fatal(err)
	}
	in := io.MultiReader(bytes.NewReader(ciphertext[:chunk]), iotest.ErrReader(broken))
	if err := e2e.DecryptBlob(io.Discard, in, blob); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
}
