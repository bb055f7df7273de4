package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"designkits/shared/httpjson"
)

// behaves answers with the behaviour.
func (p *Provider) behaves(w http.ResponseWriter, _ *http.Request) error {
	return httpjson.Write(w, http.StatusOK, p.behaviour.Load())
}

// behave changes it, from now on.
func (p *Provider) behave(w http.ResponseWriter, r *http.Request) error {
	b := p.cfg.Behaviour
	if err := httpjson.Read(w, r, maxBody, &b); err != nil {
		return err
	}
	if err := b.Check(); err != nil {
		return err
	}
	p.behaviour.Store(&b)
	return httpjson.Write(w, http.StatusOK, b)
}

// Behave makes the provider at an address ("http://127.0.0.1:8135") behave
// otherwise, for an experiment: {"declineRate": 0.5}. What isn't named is as the
// provider's environment says.
func Behave(ctx context.Context, url, key string, members map[string]any) error {
	body, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("change the provider's behaviour: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/v1/admin/behaviour", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("change the provider's behaviour: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // nobody asks again soon
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("change the provider's behaviour: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(res.Body, maxBody)) // as far as it can be read
		return fmt.Errorf("change the provider's behaviour: it answered %s: %s", res.Status, why)
	}
	return nil
}
