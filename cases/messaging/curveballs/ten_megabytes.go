package curveballs

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/media"
	"designkits/shared/curveball"
	"designkits/shared/rig"
)

// TenMegabytes is a message of 10 MB.
var TenMegabytes = curveball.Experiment{
	Name:       "ten-megabytes",
	Question:   "Somebody sends a film of 10 MB. What of it goes through the gateways, Kafka and Cassandra?",
	Hypothesis: "A pointer of a few hundred bytes. The film goes from the sender's device to the store and from there to the other's.",
	Answer: `A gateway takes no frame above 120 KB and closes the connection that sends one. Cut in pieces it would pass, and then each byte
would be written to Kafka, to the history and to every inbox, three copies of each, and everybody else's messages would wait behind it.
So a film is a blob: encrypted by the sender, put into the object store in parts of 5 MiB by requests signed for exactly these bytes
([SignPart](adapters/s3/upload.go)), and the message says where it is and how to read it. A part that didn't arrive is put again, alone. The server can't look into it, so type and
size are what the sender says, bounded; who never sends the pointer has its blob swept after a day ([Expired](media/media.go)).`,
	Expect: curveball.Bands{
		curveball.AtMost("bytes through the gateways for it", "KB", 10),
		curveball.Between("bytes that the other has", "MB", 10, 10),
	},
	Control: curveball.With("messages of 48 KB, as many as it takes", "way", "messages"),
	Run: func(ctx context.Context, t *curveball.Trial) error {
		s, err := start(ctx, t, rig.Options{Only: []string{"media"}})
		if err != nil {
			return err
		}
		two, err := s.two(ctx)
		if err != nil {
			return err
		}
		film := make([]byte, 10_000_000) // ciphertext, which looks like nothing
		_, _ = rand.Read(film)           // never fails
		before, err := s.received(ctx)
		if err != nil {
			return err
		}
		send := s.blob
		if t.Option("way", "blob") == "messages" {
			send = s.pieces
		}
		began := time.Now()
		got, err := send(ctx, two, film)
		if err != nil {
			return err
		}
		after, err := s.received(ctx)
		if err != nil {
			return err
		}
		t.Note("it is there after %.1f s", time.Since(began).Seconds())
		if !bytes.Equal(got, film) {
			t.Note("it isn't the same")
			got = nil
		}
		t.Figure("bytes through the gateways for it", (after-before)/1000)
		t.Figure("bytes that the other has", float64(len(got))/1e6)
		return nil
	},
}

// received is how many bytes of frames the gateways have taken.
func (s *site) received(ctx context.Context) (sum float64, err error) {
	for _, gateway := range []string{"gateway-1", "gateway-2"} {
		n, err := s.Metric(ctx, gateway, "gateway_received_bytes_total")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// pieces sends it as messages, and returns what the history has of it once the other
// shows all.
func (s *site) pieces(ctx context.Context, two *talk, film []byte) (got []byte, err error) {
	const piece = 48_000
	first, last := messaging.Seq(0), messaging.Seq(0)
	for some := range slices.Chunk(film, piece) {
		m := text(two.conversation, string(some))
		if last, err = s.say(ctx, two.writer, m); err != nil {
			return nil, err
		}
		if first == 0 {
			first = last
		}
	}
	if err := s.shows(ctx, two.to, two.conversation, int(last), time.Minute); err != nil {
		return nil, err
	}
	for seq := first; seq <= last; seq += 10 {
		page, err := s.DB.History().Range(ctx, two.conversation, seq, min(seq+9, last), 10)
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			got = append(got, m.Body.Shared...)
		}
	}
	return got, nil
}

// blob uploads it, sends where it is, and fetches it for the other.
func (s *site) blob(ctx context.Context, two *talk, film []byte) ([]byte, error) {
	var sums [][]byte
	for part := range slices.Chunk(film, media.PartSize) {
		sum := sha256.Sum256(part)
		sums = append(sums, sum[:])
	}
	var begun struct {
		ID      media.ID
		Grant   string
		Missing []struct {
			Number int
			media.Signed
		}
	}
	if err := s.media(ctx, http.MethodPost, "", two.from, "", map[string]any{"size": len(film), "type": "video", "sha256": sums}, &begun); err != nil {
		return nil, err
	}
	for _, p := range begun.Missing {
		at := p.Number * media.PartSize
		if _, err := signed(ctx, p.Signed, film[at:min(at+media.PartSize, len(film))]); err != nil {
			return nil, fmt.Errorf("part %d: %w", p.Number, err)
		}
	}
	if err := s.media(ctx, http.MethodPost, "/"+string(begun.ID)+"/complete", two.from, begun.Grant, nil, nil); err != nil {
		return nil, err
	}
	last, err := s.say(ctx, two.writer, text(two.conversation, "it is at "+string(begun.ID)+", and the key is …"))
	if err != nil {
		return nil, err
	}
	if err := s.shows(ctx, two.to, two.conversation, int(last), 30*time.Second); err != nil {
		return nil, err
	}
	var get media.Signed
	if err := s.media(ctx, http.MethodGet, "/"+string(begun.ID), two.to, "", nil, &get); err != nil {
		return nil, err
	}
	return signed(ctx, get, nil)
}

// media asks the process of that name for something.
func (s *site) media(ctx context.Context, method, path string, by messaging.Address, grant string, body, answer any) error {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s media%s: %w", method, path, err)
		}
		content = bytes.NewReader(text)
	}
	header := http.Header{"Authorization": {"Bearer " + s.Token(by)}, "Idempotency-Key": {rand.Text()}, "Content-Type": {"application/json"}}
	if body == nil {
		header.Del("Content-Type")
	}
	if grant != "" {
		header.Set("Upload-Grant", grant)
	}
	text, err := request(ctx, method, "http://"+s.Addr("media")+"/api/media"+path, header, content)
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%s media%s answered %q: %w", method, path, text, err)
	}
	return nil
}

// signed makes a request that was signed for the store.
func signed(ctx context.Context, r media.Signed, content []byte) ([]byte, error) {
	header := r.Header.Clone()
	header.Del("Host") // the client sets them
	header.Del("Content-Length")
	return request(ctx, r.Method, r.URL, header, bytes.NewReader(content))
}

func request(ctx context.Context, method, url string, header http.Header, content io.Reader) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if header != nil {
		r.Header = header
	}
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if res.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %s: %.300s", method, url, res.Status, text)
	}
	return text, nil
}
