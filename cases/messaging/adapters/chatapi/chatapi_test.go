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

	"designkits/cases/messaging"
	"designkits/cases/messaging/adapters/chatapi"
	"designkits/cases/messaging/order"
	"designkits/shared/leaktest"
	"designkits/shared/testenv"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// The rules of order are tested with order, on its real log and stores, and the
// whole in cmd/chat. Here it is how answers travel: an ownerFunc says what to answer.
type ownerFunc func(ctx context.Context, drafts []messaging.Draft) ([]order.Result, error)

func (f ownerFunc) Accept(ctx context.Context, drafts []messaging.Draft) ([]order.Result, error) {
	return f(ctx, drafts)
}

func (f ownerFunc) Acknowledged([]messaging.Receipt) {}

// A hearer is an owner that is told of receipts.
type hearer struct {
	chatapi.Owner
	heard *[]messaging.Receipt
}

func (h hearer) Acknowledged(receipts []messaging.Receipt) { *h.heard = append(*h.heard, receipts...) }

// Each owner is told of receipts in its partition, and who owns none of them of nothing.
func TestOwnersAreToldOfReceiptsInTheirPartitions(t *testing.T) {
	var heard [messaging.Partitions][]messaging.Receipt
	mine := conversation.Partition()
	api := chatapi.NewServer(chatapi.Config{
		Owner: func(p messaging.Partition) (chatapi.Owner, error) {
			if p != mine {
				return nil, messaging.ErrNotOwner
			}
			return hearer{heard: &heard[p]}, nil
		},
		Log: slog.New(slog.DiscardHandler),
	})
	server := httptest.NewServer(api.Handler())
	defer server.Close()
	client, _ := connect(t, strings.TrimPrefix(server.URL, "http://"))
	elsewhere := messaging.NewConversationID(messaging.Group)
	for elsewhere.Partition() == mine {
		elsewhere = messaging.NewConversationID(messaging.Group)
	}
	want := messaging.Receipt{Conversation: conversation, Device: messaging.Address{User: messaging.NewUserID(), Device: 2}, Delivered: 7, Read: 3}
	other := want
	other.Conversation = elsewhere
	if err := client.Acknowledged(t.Context(), []messaging.Receipt{other, want}); err != nil {
		t.Fatal(err)
	}
	for p, its := range heard {
		if messaging.Partition(p) == mine && len(its) == 1 && its[0] == want || messaging.Partition(p) != mine && len(its) == 0 {
			continue
		}
		t.Errorf("the owner of %d was told of %+v, where %d owns %+v", p, its, mine, want)
	}
	server.Close()
	if err := client.Acknowledged(t.Context(), []messaging.Receipt{want}); err == nil {
		t.Error("nobody is there, and it was told")
	}
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
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done := make(chan error, 1)
		go func() { // ends when the owner is the right one
			m, err := client.Send(ctx, draft(1))
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
		if first == busy {
			testenv.Eventually(t, time.Minute, "one that is busy is asked again", func() bool { return asked.Load() > 1 })
		}
		o.set(right)
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
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
	here := conversation.Partition()
	whole := func(of ...messaging.Partition) string {
		var parts []any
		for _, p := range of {
			parts = append(parts, map[string]any{"partition": p, "drafts": []messaging.Draft{draft(1)}})
		}
		data, err := json.Marshal(map[string]any{"partitions": parts})
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, c := range []struct {
		name, address, body string
		status              int
		says                string
	}{
		{"well formed", address, whole(here), 200, "results"},
		{"another partition's", address, whole((here + 1) % messaging.Partitions), 422, "is of partition"},
		{"a partition twice", address, whole(here, here), 422, "twice"},
		{"no such partition", address, whole(99), 422, "none of"},
		{"not a partition", address, `{"partitions":[{"partition":"x"}]}`, 400, ""},
		{"no JSON", address, "drafts", 400, ""},
		{"unknown member", address, `{"partitions":[],"seq":7}`, 400, ""},
		{"too large", address, `{"partitions":"` + strings.Repeat("x", 9<<20) + `"}`, 413, ""},
		{"not the owner", other, whole(here), 200, `"refused":{"kind":"not-owner"`},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+c.address+"/internal/messages", bytes.NewReader([]byte(c.body)))
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
		if resp.StatusCode != c.status || !strings.Contains(string(body), c.says) {
			t.Errorf("%s: %d, want %d and %q: %s", c.name, resp.StatusCode, c.status, c.says, body)
		}
	}
}

// Partitions of one owner may share a request, and each has its own answer.
func TestPartitionsShareRequestsAndNotAnswers(t *testing.T) {
	var taken atomic.Int64
	api := chatapi.NewServer(chatapi.Config{
		Owner: func(p messaging.Partition) (chatapi.Owner, error) {
			if p == conversation.Partition() {
				return nil, messaging.ErrNotFound // which isn't asked again
			}
			return ownerFunc(func(_ context.Context, drafts []messaging.Draft) ([]order.Result, error) {
				taken.Add(int64(len(drafts)))
				results := make([]order.Result, len(drafts))
				for i, d := range drafts {
					results[i].Message = messaging.Message{Draft: d, Seq: messaging.Seq(p) + 1}
				}
				return results, nil
			}), nil
		},
		Log: slog.New(slog.DiscardHandler),
	})
	// The first waits for a while, so that others gather behind it.
	began, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first.Do(func() { close(began) })
		<-release
		api.Handler().ServeHTTP(w, r)
	}))
	defer server.Close()
	client, _ := connect(t, strings.TrimPrefix(server.URL, "http://"))
	send := func(c messaging.ConversationID) (messaging.Message, error) {
		d := draft(1)
		d.Conversation = c
		return client.Send(t.Context(), d)
	}
	byPartition := map[messaging.Partition]messaging.ConversationID{}
	for len(byPartition) < messaging.Partitions {
		c := messaging.NewConversationID(messaging.Group)
		byPartition[c.Partition()] = c
	}
	var all sync.WaitGroup
	for p, c := range byPartition {
		all.Go(func() {
			m, err := send(c)
			switch {
			case p == conversation.Partition():
				if !errors.Is(err, messaging.ErrNotFound) {
					t.Errorf("the one that is refused: %v", err)
				}
			case err != nil || m.Seq != messaging.Seq(p)+1:
				t.Errorf("partition %d became %+v, %v", p, m, err)
			}
		})
	}
	<-began
	close(release)
	all.Wait()
	if taken.Load() != messaging.Partitions-1 {
		t.Errorf("%d drafts were taken, not %d", taken.Load(), messaging.Partitions-1)
	}
}
