package chatapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/chatapi"
	"designkits/cases/messaging/order"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The rules of order are tested with order, on its real log and stores, and the
// whole in cmd/chat. Here it is how answers travel: an ownerFunc says what to answer.
type ownerFunc func(ctx context.Context, drafts []messaging.Draft) ([]order.Result, error)

func (f ownerFunc) Accept(ctx context.Context, drafts []messaging.Draft) ([]order.Result, error) {
	return f(ctx, drafts)
}

// A map of owners that a test changes.
type owners struct {
	mu      sync.Mutex
	address string
	changed chan struct{}
}

func (o *owners) Owner(messaging.Partition) (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.address, o.changed
}

func (o *owners) set(address string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.address = address
	close(o.changed)
	o.changed = make(chan struct{})
}

func serve(t *testing.T, owner ownerFunc) string {
	t.Helper()
	api := chatapi.NewServer(chatapi.Config{
		Owner: func(messaging.Partition) (chatapi.Owner, error) {
			if owner == nil {
				return nil, messaging.ErrNotOwner
			}
			return owner, nil
		},
		Owners: func() map[messaging.Partition]string { return map[messaging.Partition]string{3: "127.0.0.1:1"} },
		Log:    slog.New(slog.DiscardHandler),
	})
	server := httptest.NewServer(api.Handler())
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func connect(t *testing.T, address string) (*chatapi.Client, *owners) {
	t.Helper()
	o := &owners{address: address, changed: make(chan struct{})}
	c := chatapi.NewClient(o)
	t.Cleanup(c.Close)
	return c, o
}

var conversation = messaging.DirectID("u0000000000000000", "u1111111111111111")

func draft(n int) messaging.Draft {
	return messaging.Draft{
		Conversation: conversation, ID: messaging.MessageID(fmt.Sprintf("%016d", n)), Kind: messaging.Posted,
		Sender: messaging.Address{User: "u0000000000000000", Device: 1}, Body: messaging.Body{Shared: []byte("x")},
	}
}

func TestEachErrorArrivesAsWhatItWas(t *testing.T) {
	for _, want := range []error{
		messaging.ErrNotMember, messaging.ErrNotAllowed, messaging.ErrNotFound, messaging.ErrTaken, messaging.ErrTooMany,
		&messaging.Invalid{Field: "target", Reason: "there is no such number"},
	} {
		client, _ := connect(t, serve(t, func(_ context.Context, drafts []messaging.Draft) ([]order.Result, error) {
			return []order.Result{{Err: fmt.Errorf("place it: %w", want)}}, nil
		}))
		_, err := client.Send(t.Context(), draft(1))
		if invalid, ok := want.(*messaging.Invalid); ok {
			if got, ok := errors.AsType[*messaging.Invalid](err); !ok || *got != *invalid {
				t.Errorf("%v arrived as %v", want, err)
			}
		} else if !errors.Is(err, want) {
			t.Errorf("%v arrived as %v", want, err)
		}
	}
	client, _ := connect(t, serve(t, func(context.Context, []messaging.Draft) ([]order.Result, error) {
		return []order.Result{{Err: errors.New("cassandra is away")}}, nil
	}))
	if _, err := client.Send(t.Context(), draft(1)); !errors.Is(err, messaging.ErrBusy) {
		t.Errorf("a store that is away arrived as %v, want ErrBusy", err)
	}
}

func TestManyGoTogetherInTheirOrder(t *testing.T) {
	var mu sync.Mutex
	var sizes []int
	last := map[messaging.Address]messaging.MessageID{}
	var seq messaging.Seq
	client, _ := connect(t, serve(t, func(_ context.Context, drafts []messaging.Draft) ([]order.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(drafts))
		results := make([]order.Result, len(drafts))
		for i, d := range drafts {
			if d.ID <= last[d.Sender] {
				t.Errorf("%s of %s came after %s", d.ID, d.Sender, last[d.Sender])
			}
			last[d.Sender] = d.ID
			seq++
			results[i] = order.Result{Message: messaging.Message{Draft: d, Seq: seq, At: time.UnixMilli(int64(seq)).UTC()}}
		}
		return results, nil
	}))
	seen := sync.Map{}
	var all sync.WaitGroup
	for device := range messaging.DeviceID(50) {
		all.Go(func() {
			for n := range 20 {
				d := draft(n + 1)
				d.Sender.Device = device + 1
				m, err := client.Send(t.Context(), d)
				if _, twice := seen.LoadOrStore(m.Seq, true); err != nil || twice || m.ID != d.ID || !m.At.Equal(time.UnixMilli(int64(m.Seq))) {
					t.Errorf("message %d of device %d became %+v, %v", n, device, m, err)
				}
			}
		})
	}
	all.Wait()
	if len(sizes) > 500 {
		t.Errorf("1000 drafts of 50 devices went in %d requests", len(sizes))
	}
}

func TestADraftFindsItsOwnerWhoeverThatIsByThen(t *testing.T) {
	var asked atomic.Int64
	busy := serve(t, func(context.Context, []messaging.Draft) ([]order.Result, error) {
		asked.Add(1)
		return nil, messaging.ErrBusy
	})
	right := serve(t, func(_ context.Context, drafts []messaging.Draft) ([]order.Result, error) {
		return []order.Result{{Message: messaging.Message{Draft: drafts[0], Seq: 7}}}, nil
	})
	for name, first := range map[string]string{"nobody": "", "one that isn't": serve(t, nil), "one that is gone": "127.0.0.1:1", "one that is busy": busy} {
		client, o := connect(t, first)
		done := make(chan error, 1)
		go func() { // ends when the owner is the right one
			m, err := client.Send(t.Context(), draft(1))
			if err == nil && m.Seq != 7 {
				err = fmt.Errorf("number %d", m.Seq)
			}
			done <- err
		}()
		select {
		case err := <-done:
			t.Errorf("%s: ended with %v before there was an owner", name, err)
		case <-time.After(100 * time.Millisecond):
		}
		o.set(right)
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked.Load() < 2 {
		t.Error("one that is busy was not asked again")
	}
	client, _ := connect(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Send(ctx, draft(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without an owner: %v, want the deadline", err)
	}
}

func TestRequestsThatCantBe(t *testing.T) {
	address := serve(t, func(_ context.Context, drafts []messaging.Draft) ([]order.Result, error) {
		return make([]order.Result, len(drafts)), nil
	})
	other := serve(t, nil)
	whole := func(d ...messaging.Draft) string {
		data, err := json.Marshal(map[string]any{"drafts": d})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	here := fmt.Sprintf("/internal/partitions/%d/messages", conversation.Partition())
	elsewhere := fmt.Sprintf("/internal/partitions/%d/messages", (conversation.Partition()+1)%messaging.Partitions)
	for _, c := range []struct {
		name, address, path, body string
		status                    int
	}{
		{"well formed", address, here, whole(draft(1)), 200},
		{"another partition's", address, elsewhere, whole(draft(1)), 422},
		{"no such partition", address, "/internal/partitions/99/messages", whole(draft(1)), 404},
		{"not a partition", address, "/internal/partitions/x/messages", whole(draft(1)), 404},
		{"no JSON", address, here, "drafts", 400},
		{"unknown member", address, here, `{"drafts":[],"seq":7}`, 400},
		{"too large", address, here, `{"drafts":"` + strings.Repeat("x", 9<<20) + `"}`, 413},
		{"not the owner", other, here, whole(draft(1)), 409},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+c.address+c.path, bytes.NewReader([]byte(c.body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d, want %d: %s", c.name, resp.StatusCode, c.status, body)
		}
	}
}
