package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/client/body"
	"designkits/cases/messaging/client/e2e"
	"designkits/cases/messaging/media"
)

// An Attachment is a file to send. Its thumbnail the sender makes: nobody else can
// see what it is.
type Attachment struct {
	Data          []byte
	Name, Type    string // "image/jpeg"
	Width, Height int    // of a picture
	Thumbnail     []byte // a JPEG or PNG; nil for none
}

// uploads is how often what is missing is tried.
const uploads = 5

// Attach encrypts and uploads a file, and posts where it is.
func (c *Client) Attach(ctx context.Context, id messaging.ConversationID, a Attachment, text string, reply messaging.MessageID) (messaging.MessageID, error) {
	p, err := c.upload(ctx, a.Data, sort(a.Type))
	if err != nil {
		return "", fmt.Errorf("send %s: %w", a.Name, err)
	}
	p.Name, p.Type, p.Width, p.Height = a.Name, a.Type, a.Width, a.Height
	if len(a.Thumbnail) > 0 {
		if p.Thumbnail, err = c.upload(ctx, a.Thumbnail, "thumbnail"); err != nil {
			return "", fmt.Errorf("send the thumbnail of %s: %w", a.Name, err)
		}
		p.Thumbnail.Type = http.DetectContentType(a.Thumbnail)
	}
	return c.post(id, body.Body{Kind: body.Media, Media: p, Text: text, Reply: reply})
}

// sort is what the server is told an attachment to be, by which it limits its size.
func sort(mime string) string {
	switch kind, _, _ := strings.Cut(mime, "/"); kind {
	case "image", "audio", "video":
		return kind
	}
	return "file"
}

// A part is one that is to be put, and how.
type part struct {
	Number int
	Size   int64
	media.Signed
}

// upload brings a blob to the store, in parts. Those that don't arrive are sent again.
func (c *Client) upload(ctx context.Context, plain []byte, kind string) (*body.Pointer, error) {
	ciphertext, blob, err := e2e.EncryptBlobBytes(plain)
	if err != nil {
		return nil, err
	}
	var sums [][]byte
	for chunk := range slices.Chunk(ciphertext, media.PartSize) {
		sum := sha256.Sum256(chunk)
		sums = append(sums, sum[:])
	}
	var begun struct {
		ID      media.ID
		Grant   string
		Missing []part
	}
	in := map[string]any{"size": len(ciphertext), "type": kind, "sha256": sums}
	if err := c.call(ctx, http.MethodPost, "/api/media", once(), in, &begun); err != nil {
		return nil, err
	}
	path, grant := "/api/media/"+string(begun.ID), http.Header{"Upload-Grant": {begun.Grant}}
	for try, missing := 1, begun.Missing; ; try++ {
		if try > 1 {
			missing, err = c.missing(ctx, path, grant)
		}
		if err == nil {
			err = c.put(ctx, ciphertext, missing)
		}
		if err == nil {
			break
		}
		if try == uploads || ctx.Err() != nil || !again(err) {
			return nil, err
		}
		select {
		case <-time.After(time.Duration(try) * time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err := c.call(ctx, http.MethodPost, path+"/complete", grant, nil, nil); err != nil {
		return nil, err
	}
	return &body.Pointer{Key: blob.Key, Digest: blob.Digest, Size: blob.Size, Blob: string(begun.ID)}, nil
}

// missing asks which parts of an upload haven't arrived.
func (c *Client) missing(ctx context.Context, path string, grant http.Header) ([]part, error) {
	var rest struct{ Missing []part }
	err := c.call(ctx, http.MethodGet, path+"/parts", grant, nil, &rest)
	return rest.Missing, err
}

// put sends parts straight to the store.
func (c *Client) put(ctx context.Context, ciphertext []byte, parts []part) error {
	for _, p := range parts {
		from := int64(p.Number) * media.PartSize
		if from < 0 || p.Size < 0 || from+p.Size > int64(len(ciphertext)) {
			return errors.New("the server asks for a part that there isn't")
		}
		if _, err := c.fetch(ctx, p.Signed, ciphertext[from:from+p.Size], 1<<16); err != nil {
			return fmt.Errorf("part %d: %w", p.Number, err)
		}
	}
	return nil
}

// Fetch gets and decrypts an attachment or a thumbnail.
func (c *Client) Fetch(ctx context.Context, p body.Pointer) ([]byte, error) {
	var signed media.Signed
	if err := c.call(ctx, http.MethodGet, "/api/media/"+p.Blob, nil, nil, &signed); err != nil {
		return nil, err
	}
	ciphertext, err := c.fetch(ctx, signed, nil, e2e.CiphertextSize(p.Size))
	if err != nil {
		return nil, fmt.Errorf("get the attachment %s: %w", p.Blob, err)
	}
	return e2e.DecryptBlobBytes(ciphertext, e2e.Blob{Key: p.Key, Digest: p.Digest, Size: p.Size})
}

// fetch makes a request that the server has signed.
func (c *Client) fetch(ctx context.Context, signed media.Signed, content []byte, most int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, signed.Method, signed.URL, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	for name, values := range signed.Header {
		if name != "Host" && name != "Content-Length" { // the client sets them
			r.Header[name] = values
		}
	}
	answer, err := c.cfg.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode >= 300:
		return nil, fmt.Errorf("the store answered %s", answer.Status)
	case int64(len(text)) > most:
		return nil, fmt.Errorf("the store sends more than the %d bytes that were announced", most)
	}
	return text, nil
}
