package chatapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"designkits/cases/messaging"
	"designkits/shared/gather"
)

// ways are the ways to the processes that own partitions.
type ways struct {
	http *http.Client

	mu     sync.Mutex
	to     map[string]*gather.Gatherer[*bringing]
	at     [messaging.Partitions]string // where each was brought last
	closed sync.WaitGroup               // ways that nobody takes any more
}

// perOwner is how many requests to a process may be under way: with one, all would
// wait for the slowest partition, and with more, each would find one that is free and
// go alone.
const perOwner = 2

// bringing is a batch of a partition on its way.
type bringing struct {
	partition messaging.Partition
	part      []byte

	answer answer
	err    error
}

func (w *ways) init() {
	w.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: perOwner, IdleConnTimeout: time.Minute}}
	w.to = map[string]*gather.Gatherer[*bringing]{}
}

// close ends all ways when what is under way has come back.
func (w *ways) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, way := range w.to {
		way.Close()
	}
	w.closed.Wait()
	w.http.CloseIdleConnections()
}

// way is the one to a process, of a partition that goes nowhere else now. Where no
// partition goes any more there is no way.
func (w *ways) way(address string, p messaging.Partition) *gather.Gatherer[*bringing] {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.at[p]
	w.at[p] = address
	if left := w.to[before]; left != nil && !slices.Contains(w.at[:], before) {
		delete(w.to, before)
		w.closed.Go(left.Close)
	}
	if w.to[address] == nil {
		w.to[address] = gather.New(gather.Config[*bringing]{Max: messaging.Partitions, Lanes: perOwner, Send: func(ctx context.Context, all []*bringing) error {
			return w.send(ctx, address, all)
		}})
	}
	return w.to[address]
}

// bring brings a partition's drafts, as a part of JSON, to a process: with those of
// others, or again, and then alone, so that nobody else waits for what takes long. Its
// error is the domain's where the answer has its kind.
func (w *ways) bring(ctx context.Context, address string, p messaging.Partition, data []byte, again bool) ([]result, error) {
	b, way := &bringing{partition: p, part: data}, w.way(address, p)
	var err error
	if again {
		err = w.send(ctx, address, []*bringing{b})
	} else {
		err = way.Do(ctx, b)
	}
	if err != nil {
		return nil, err // and b must not be looked at
	}
	if b.err == nil && b.answer.Refused != nil {
		b.err = ofResult(address, *b.answer.Refused)
	}
	return b.answer.Results, b.err
}

// send brings parts in as few requests as hold them, each of a partition once: there
// are two where those who brought the first have given up.
func (w *ways) send(ctx context.Context, address string, all []*bringing) error {
	for len(all) > 0 {
		n, size := 0, 0
		var has [messaging.Partitions]bool
		for n < len(all) && !has[all[n].partition] && (n == 0 || size+len(all[n].part) < maxBatch/2) {
			has[all[n].partition] = true
			size += len(all[n].part)
			n++
		}
		answers, err := w.post(ctx, address, all[:n])
		if err == nil && len(answers) != n {
			err = fmt.Errorf("%s answered for %d of %d partitions", address, len(answers), n)
		}
		for i, b := range all[:n] {
			if b.err = err; err == nil {
				b.answer = answers[i]
			}
		}
		all = all[n:]
	}
	return nil
}

// post makes one request.
func (w *ways) post(ctx context.Context, address string, all []*bringing) ([]answer, error) {
	parts := make([][]byte, len(all))
	for i, b := range all {
		parts[i] = b.part
	}
	var body response
	url := fmt.Sprintf("http://%s/internal/messages", address)
	err := w.do(ctx, url, slices.Concat([]byte(`{"partitions":[`), bytes.Join(parts, []byte(",")), []byte("]}")), &body)
	return body.Partitions, err
}

// tell brings receipts.
func (w *ways) tell(ctx context.Context, address string, receipts []messaging.Receipt) error {
	data, err := json.Marshal(told{receipts})
	if err != nil {
		return fmt.Errorf("encode %d receipts: %w", len(receipts), err)
	}
	return w.do(ctx, fmt.Sprintf("http://%s/internal/receipts", address), data, nil)
}

// do makes a request, and reads the answer's body into one, unless that is nil.
func (w *ways) do(ctx context.Context, url string, data []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxBatch))
	switch {
	case err != nil:
		return fmt.Errorf("read the answer of %s: %w", url, err)
	case resp.StatusCode >= http.StatusMultipleChoices:
		var problem struct{ Type, Field, Detail string }
		_ = json.Unmarshal(said, &problem) // what is no problem has no type
		return ofResult(url, result{Kind: strings.TrimPrefix(problem.Type, "/problems/"), Field: problem.Field, Detail: resp.Status + ": " + problem.Detail})
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(said, into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", url, err)
	}
	return nil
}

// ofResult is the error of what was refused.
func ofResult(by string, r result) error {
	if known := messaging.OfKind(r.Kind); known != nil {
		return known
	}
	if r.Kind == "invalid" {
		return &messaging.Invalid{Field: r.Field, Reason: r.Detail}
	}
	return fmt.Errorf("%s has refused: %s", by, r.Detail)
}
