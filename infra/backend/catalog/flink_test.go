package catalog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"designkits/infra/backend"
)

// flinkCall makes one request of a REST endpoint of Flink's.
func flinkCall(t *testing.T, method, url string, in, out any) {
	t.Helper()
	var body []byte // Flink takes a GET's body for a mistake
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %v\n%s", method, url, resp.Status, err, text)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatal(err)
		}
	}
}

// flinkRun sends statements through the SQL gateway, each when the one before
// has finished.
func flinkRun(t *testing.T, site backend.Site, properties map[string]string, statements ...string) {
	t.Helper()
	gateway := "http://" + site.Addr("sql") + "/v1/sessions"
	var session struct{ SessionHandle string }
	flinkCall(t, http.MethodPost, gateway, map[string]any{"properties": properties}, &session)
	defer flinkCall(t, http.MethodDelete, gateway+"/"+session.SessionHandle, nil, nil)
	for _, statement := range statements {
		var operation struct{ OperationHandle string }
		flinkCall(t, http.MethodPost, gateway+"/"+session.SessionHandle+"/statements", map[string]any{"statement": statement}, &operation)
		eventually(t, statement, 4*time.Minute, func() error {
			var now struct{ Status string }
			flinkCall(t, http.MethodGet, gateway+"/"+session.SessionHandle+"/operations/"+operation.OperationHandle+"/status", nil, &now)
			switch now.Status {
			case "FINISHED":
				return nil
			case "ERROR":
				t.Fatalf("%s: it failed; the gateway's log says why", statement)
			}
			return fmt.Errorf("it is %s", now.Status)
		})
	}
}

// flinkJob returns the id and state of the newest job of a name.
func flinkJob(t *testing.T, site backend.Site, name string) (id, state string) {
	t.Helper()
	var all struct {
		Jobs []struct {
			ID    string `json:"jid"`
			Name  string `json:"name"`
			State string `json:"state"`
			Start int64  `json:"start-time"`
		} `json:"jobs"`
	}
	flinkCall(t, http.MethodGet, "http://"+site.Addr("rest")+"/jobs/overview", nil, &all)
	var newest int64
	for _, j := range all.Jobs {
		if j.Name == name && j.Start > newest {
			newest, id, state = j.Start, j.ID, j.State
		}
	}
	return id, state
}

var flinkJobs = store{
	backend: "flink jobs",
	put: func(t *testing.T, site backend.Site, namespace string) {
		flinkRun(t, site, map[string]string{"pipeline.name": namespace + ".idle"},
			"CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1')",
			"CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole')",
			"INSERT INTO nowhere SELECT n FROM numbers")
		eventually(t, "the job runs", 2*time.Minute, func() error {
			if _, state := flinkJob(t, site, namespace+".idle"); state != "RUNNING" {
				return fmt.Errorf("it is %q", state)
			}
			return nil
		})
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		_, state := flinkJob(t, site, namespace+".idle")
		return state == "RUNNING"
	},
}

var flinkCheckpoints = store{
	backend: "flink checkpoints",
	put: func(t *testing.T, site backend.Site, namespace string) {
		if err := os.MkdirAll(filepath.Join(site.Path("checkpoints"), namespace, "job", "chk-1"), 0o755); err != nil {
			t.Fatal(err)
		}
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		_, err := os.Stat(filepath.Join(site.Path("checkpoints"), namespace))
		return err == nil
	},
}
