package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"designkits/cases/messaging"
	"designkits/shared/httpjson"
)

// maxBody is the largest body, in bytes: one-time prekeys of the largest size that
// a device may publish at once, in base 64.
const maxBody = 600 << 10

// read reads the body.
func read(w http.ResponseWriter, r *http.Request, into any) error {
	return httpjson.Read(w, r, maxBody, into)
}

// A request is a POST that may come again.
type request[T any] struct {
	caller string // whose keys they are; another's are others
	plan   string // what do would do the first time
	do     func(ctx context.Context, plan string) (T, error)
	say    func(T) error
}

// once carries a request out, or answers as it was answered before when its
// Idempotency-Key was seen. What do returns is remembered, so it has no secret in
// it; say makes the answer of it. Without a key it is carried out each time.
func once[T any](a *api, w http.ResponseWriter, r *http.Request, into any, q request[T]) error {
	body, err := httpjson.Bytes(w, r, maxBody)
	if err == nil {
		err = httpjson.ReadBody(r, body, into)
	}
	if err != nil {
		return err
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		outcome, err := q.do(r.Context(), q.plan)
		if err != nil {
			return err
		}
		return q.say(outcome)
	}
	if len(key) < 16 || len(key) > 128 {
		// Who knows the key of somebody's first request would get their token.
		return &messaging.Invalid{Field: "Idempotency-Key", Reason: "16 to 128 characters that nobody guesses: a random UUID"}
	}
	name := sha256.Sum256([]byte(q.caller + "\n" + r.URL.Path + "\n" + key))
	return attempt(r.Context(), a, hex.EncodeToString(name[:]), sha256.Sum256(body), q)
}

func attempt[T any](ctx context.Context, a *api, key string, hash [32]byte, q request[T]) error {
	plan, before, err := a.Attempts.Begin(ctx, key, hash, q.plan)
	if err != nil {
		return err
	}
	var outcome T
	if before != nil {
		if err := json.Unmarshal(before, &outcome); err != nil {
			return fmt.Errorf("read what was answered before: %w", err)
		}
		return q.say(outcome)
	}
	// It is noted how it ended also when the caller has gone meanwhile.
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerIn)
	defer cancel()
	outcome, err = q.do(ctx, plan)
	if err != nil {
		return errors.Join(err, a.Attempts.Abandon(note, key))
	}
	text, err := json.Marshal(outcome)
	if err != nil {
		return fmt.Errorf("remember an answer: %w", err)
	}
	if err := a.Attempts.Finish(note, key, text); err != nil {
		// It was carried out; that a repetition would be too is the lesser evil.
		a.Log.WarnContext(ctx, "an answer can't be remembered", "error", err.Error())
	}
	return q.say(outcome)
}
