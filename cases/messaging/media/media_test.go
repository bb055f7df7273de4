package media_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"designkits/cases/messaging"
	"designkits/cases/messaging/media"
)

func sums(n int) [][]byte {
	all := make([][]byte, n)
	for i := range all {
		all[i] = bytes.Repeat([]byte{byte(i)}, 32)
	}
	return all
}

func TestTheSizesOfPartsAddUpToTheBlob(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, media.Most["file"]).Draw(t, "size")
		n := int((size + media.PartSize - 1) / media.PartSize)
		parts, err := media.Divide(size, "file", sums(n))
		if err != nil {
			t.Fatal(err)
		}
		var total int64
		for i, p := range parts {
			total += p.Size
			if i < len(parts)-1 && p.Size != media.PartSize || p.Size < 1 {
				t.Fatalf("part %d of %d has %d bytes", i, n, p.Size)
			}
		}
		if total != size {
			t.Fatalf("%d bytes in parts, the blob has %d", total, size)
		}
	})
}

func TestBlobsThatCanNotBeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		size int64
		kind string
		sums [][]byte
	}{
		"of nothing":          {0, "file", nil},
		"of less":             {-1, "file", sums(1)},
		"of too much":         {media.Most["file"] + 1, "file", sums(21)},
		"too large a picture": {media.Most["image"] + 1, "image", sums(6)},
		"of no known type":    {1, "text/html", sums(1)},
		"of a sum too few":    {media.PartSize + 1, "file", sums(1)},
		"of a sum too many":   {media.PartSize, "file", sums(2)},
		"of a short sum":      {1, "file", [][]byte{{1}}},
	} {
		var invalid *messaging.Invalid
		if _, err := media.Divide(c.size, c.kind, c.sums); !errors.As(err, &invalid) {
			t.Errorf("a blob %s: %v", name, err)
		}
	}
}

func TestAGrantIsOfOnePersonAndBlob(t *testing.T) {
	now := time.Now()
	grants := media.Grants{Secret: []byte("of the tests, of 32 bytes, it is"), Now: func() time.Time { return now }}
	ana, ben := messaging.NewUserID(), messaging.NewUserID()
	parts, err := media.Divide(media.PartSize+7, "file", sums(2))
	if err != nil {
		t.Fatal(err)
	}
	grant := media.Grant{ID: media.NewID(), Upload: "an upload", Owner: ana, Parts: parts, Until: now.Add(time.Hour).Truncate(time.Second)}
	text, err := grants.Sign(grant, media.PartSize+7, "file")
	if err != nil {
		t.Fatal(err)
	}
	got, err := grants.Check(text, grant.ID, ana)
	if err != nil || got.Upload != grant.Upload || len(got.Parts) != 2 || got.Parts[1].Size != 7 || !bytes.Equal(got.Parts[1].SHA256, parts[1].SHA256) {
		t.Errorf("%+v, %v", got, err)
	}
	other := media.Grants{Secret: []byte("another, also of 32 bytes, it is"), Now: grants.Now}
	late := media.Grants{Secret: grants.Secret, Now: func() time.Time { return now.Add(2 * time.Hour) }}
	for name, check := range map[string]func() error{
		"another's":        func() error { _, err := grants.Check(text, grant.ID, ben); return err },
		"for another blob": func() error { _, err := grants.Check(text, media.NewID(), ana); return err },
		"forged":           func() error { _, err := other.Check(text, grant.ID, ana); return err },
		"late":             func() error { _, err := late.Check(text, grant.ID, ana); return err },
		"cut":              func() error { _, err := grants.Check(text[:len(text)-2], grant.ID, ana); return err },
		"none":             func() error { _, err := grants.Check("", grant.ID, ana); return err },
	} {
		if err := check(); !errors.Is(err, media.ErrNoGrant) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABlobIsKeptAsLongAsItsMessageMayWait(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		age  time.Duration
		used bool
		want bool
	}{
		"new":                       {time.Hour, false, false},
		"never sent":                {media.UploadFor + time.Second, false, true},
		"sent":                      {media.UploadFor + time.Second, true, false},
		"as old as an inbox's":      {messaging.InboxFor, true, false},
		"older than any inbox's is": {media.KeptFor + time.Second, true, true},
	} {
		if got := media.Expired(now, now.Add(-c.age), c.used); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
