package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"designkits/shared/kitenv"
)

// cancelJobs ends the namespace's stream jobs, which hold slots that the next
// case needs. Without Flink there are none.
func cancelJobs(ctx context.Context, namespace string) error {
	flink, err := kitenv.Addr("flink.rest")
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var overview struct {
		Jobs []struct{ JID, Name, State string }
	}
	if err := ask(ctx, http.MethodGet, "http://"+flink+"/jobs/overview", &overview); err != nil {
		return fmt.Errorf("look for stream jobs to end: %w", err)
	}
	for _, job := range overview.Jobs {
		if !strings.HasPrefix(job.Name, namespace+".") || slices.Contains([]string{"CANCELED", "CANCELLING", "FAILED", "FINISHED"}, job.State) {
			continue
		}
		if err := ask(ctx, http.MethodPatch, "http://"+flink+"/jobs/"+job.JID+"?mode=cancel", nil); err != nil {
			return fmt.Errorf("end stream job %s: %w", job.Name, err)
		}
	}
	return nil
}

func ask(ctx context.Context, method, url string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	req.Close = true // what the case's end leaves open would look like a leak of the test's
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return errors.New(res.Status)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}
