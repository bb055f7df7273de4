package device

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"designkits/cases/messaging"
	"designkits/shared/problem"
)

// An Account is what a device was given when it was linked.
type Account struct {
	Name   string            `json:"name"`
	Device messaging.Address `json:"device"`
	Token  string            `json:"token"`
}

// SignUp makes an account, through the page's origin ("http://127.0.0.1:8141").
func SignUp(ctx context.Context, page, name, deviceName string) (a Account, err error) {
	err = ask(ctx, http.MethodPost, page+"/api/accounts", "", map[string]string{"name": name, "deviceName": deviceName}, &a)
	return a, err
}

// Link links another device to the account.
func (a Account) Link(ctx context.Context, page, deviceName string) (other Account, err error) {
	var offered struct {
		Code string `json:"code"`
	}
	if err := ask(ctx, http.MethodPost, page+"/api/link-codes", a.Token, nil, &offered); err != nil {
		return other, err
	}
	err = ask(ctx, http.MethodPost, page+"/api/devices", "", map[string]string{"code": offered.Code, "deviceName": deviceName}, &other)
	return other, err
}

// Gateways asks where one can connect.
func Gateways(ctx context.Context, page string) (addresses []string, err error) {
	var known struct {
		Gateways []struct {
			Address string `json:"address"`
		} `json:"gateways"`
	}
	err = ask(ctx, http.MethodGet, page+"/api/gateways", "", nil, &known)
	for _, g := range known.Gateways {
		addresses = append(addresses, g.Address)
	}
	return addresses, err
}

// ask makes a request and reads its answer; one that is refused becomes an error
// with the problem's words.
func ask(ctx context.Context, method, url, token string, body, answer any) error {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return fmt.Errorf("%s %s: %w", method, url, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, &content)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Close = true // they are few, and nothing is left open
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		var refused problem.Problem
		_ = json.NewDecoder(res.Body).Decode(&refused) // without it the status has to do
		return fmt.Errorf("%s %s: %s: %s", method, url, res.Status, refused.Detail)
	}
	if err := json.NewDecoder(res.Body).Decode(answer); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, url, err)
	}
	return nil
}
