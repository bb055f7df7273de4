package topology

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"designkits/infra/backend"
)

const good = `
title: Rides
summary: Who drives whom.
backends: [redis, flink, nginx]
page: http://${nginx}/
processes:
  api:
    replicas: 2
    port: 8201
    needs: [redis]
    env:
      LISTEN: ${listen}
      REDIS: ${redis}
      SQL: http://${flink.sql}/x
      DATA: ${flink.data}/checkpoints
      KEY: ${secret.key}
      SPOOL: ${state}/spool
      NAMESPACE: ${namespace}
      MATCHER: http://${matcher}
      PRICE: costs $5 and $PATH
      CLIENT: ${wasm.client}
  matcher:
    port: 8211
edge: edge.conf
wasm:
  client: client/cmd/page
lab:
  KEY: ${secret.key}
  MATCHER: http://${matcher}
  SCHEMA: ${namespace}
`

func world(state string) World {
	return World{State: state, Offset: 1000, Namespace: "ns1",
		First: map[string]string{"redis": "redis", "flink": "rest", "nginx": "http"},
		Sites: map[string]backend.Site{
			"redis": {Ports: map[string]int{"redis": 7379}},
			"flink": {Ports: map[string]int{"rest": 9081, "sql": 9083}, Data: "/data/flink"},
			"nginx": {Ports: map[string]int{"http": 9080}},
		}}
}

func TestReferencesAreFilledIn(t *testing.T) {
	c, err := Parse("rides", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	instances, err := c.Resolve(world(state))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range instances {
		names = append(names, i.Name+" "+i.Addr)
	}
	if want := []string{"api-1 127.0.0.1:9201", "api-2 127.0.0.1:9202", "matcher 127.0.0.1:9211"}; !slices.Equal(names, want) {
		t.Fatalf("instances: %v, want %v", names, want)
	}
	env := map[string]string{}
	for _, kv := range instances[1].Env {
		key, value, _ := strings.Cut(kv, "=")
		env[key] = value
	}
	lab, err := c.LabEnv(world(state))
	if want := []string{"KEY=" + env["KEY"], "MATCHER=http://127.0.0.1:9211", "SCHEMA=ns1"}; err != nil || !slices.Equal(lab, want) {
		t.Errorf("the lab has %v, want %v (%v)", lab, want, err)
	}
	for key, want := range map[string]string{
		"LISTEN": "127.0.0.1:9202", "REDIS": "127.0.0.1:7379", "SQL": "http://127.0.0.1:9083/x",
		"DATA": "/data/flink/checkpoints", "SPOOL": instances[1].State + "/spool", "NAMESPACE": "ns1",
		"MATCHER": "http://127.0.0.1:9211", "PRICE": "costs $5 and $PATH",
		"CLIENT": state + "/wasm/rides/client",
	} {
		if env[key] != want {
			t.Errorf("%s=%q, want %q", key, env[key], want)
		}
	}
	if instances[0].State == instances[1].State {
		t.Error("two replicas share a folder")
	}
	if page, err := c.PageAddress(world(state)); err != nil || page != "http://127.0.0.1:9080/" {
		t.Errorf("page: %q, %v", page, err)
	}

	// A secret is made once, for its owner alone, and the same for all.
	again, err := c.Resolve(world(state))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again[0].Env[1:], instances[0].Env[1:]) || len(env["KEY"]) != 64 || !slices.Contains(instances[0].Env, "KEY="+env["KEY"]) {
		t.Errorf("the secret changes: %v, %v", again[0].Env, instances[0].Env)
	}
	info, err := os.Stat(filepath.Join(state, "secrets", "rides", "key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret's file: %v, %v", info, err)
	}
	other, err := c.Resolve(world(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(other[0].Env, "KEY="+env["KEY"]) {
		t.Error("two state folders have the same secret")
	}
}

const variants = `
variants:
  store:
    other:
      backends: [cassandra, redis]
      processes:
        api:
          needs: [cassandra]
          env: {STORE: other, REDIS: "${cassandra.cql}"}
`

func TestAVariantAddsToTheCase(t *testing.T) {
	c, err := Parse("rides", []byte(good+variants))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"redis", "flink", "nginx", "cassandra"}; !slices.Equal(c.AllBackends(), want) || len(c.Backends) != 3 {
		t.Errorf("backends %v of %v, want %v", c.Backends, c.AllBackends(), want)
	}
	v, err := c.With(map[string]string{"store": "other"})
	if err != nil {
		t.Fatal(err)
	}
	api := v.Processes[0]
	if !slices.Equal(v.Backends, c.AllBackends()) || !slices.Equal(api.Needs, []string{"redis", "cassandra"}) ||
		api.Env["STORE"] != "other" || api.Env["REDIS"] != "${cassandra.cql}" || api.Env["LISTEN"] != "${listen}" || v.Namespace != "rides_other" {
		t.Errorf("the variant is %+v", v)
	}
	if usual := c.Processes[0]; usual.Env["STORE"] != "" || usual.Env["REDIS"] != "${redis}" || len(usual.Needs) != 1 || c.Namespace != "rides" {
		t.Errorf("the usual case became %+v", c)
	}
	var unknown *UnknownChoice
	for _, choices := range []map[string]string{{"store": "third"}, {"size": "large"}} {
		if _, err := c.With(choices); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "--store other") {
			t.Errorf("%v: %v", choices, err)
		}
	}
	for old, want := range map[string]string{
		"other:":               `Other: a choice and a variant`,
		"api:":                 "variants.store.other.processes.web: the case has no process",
		"needs: [cassandra]":   `variants.store.other.processes.api.needs: "kafka" is not`,
		"${cassandra.cql}":     "${elastic} is unknown",
		"backends: [cassandra": "backend",
		"STORE: other":         "port",
	} {
		replaced := map[string]string{"other:": "Other:", "api:": "web:", "needs: [cassandra]": "needs: [kafka]",
			"${cassandra.cql}": "${elastic}", "backends: [cassandra": "backend: [cassandra", "STORE: other": "STORE: other}\n          port: 8300\n          #"}[old]
		if _, err := Parse("rides", []byte(good+strings.Replace(variants, old, replaced, 1))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", replaced, err, want)
		}
	}
}

func TestWhatIsUnknownIsRefused(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{"title: Rides", "titel: Rides", "titel"},
		{"title: Rides", "title: ''", "title"},
		{"replicas: 2", "replica: 2", "replica"},
		{"port: 8201", "port: 80", "processes.api.port"},
		{"replicas: 2", "replicas: 99", "processes.api.replicas"},
		{"needs: [redis]", "needs: [kafka]", `processes.api.needs: "kafka"`},
		{"${redis}", "${kafka}", "processes.api.env.REDIS: ${kafka} is unknown; known are:"},
		{"SCHEMA: ${namespace}", "SCHEMA: ${state}", "lab.SCHEMA: ${state} is unknown"},
		{"${matcher}", "${api}", "processes.api.env.MATCHER: ${api} is unknown"},
		{"page: http://${nginx}/", "page: http://${listen}/", "page: ${listen} is unknown"},
		{"${secret.key}", "${secret}", "${secret} is unknown"},
		{"${wasm.client}", "${wasm.clients}", "${wasm.clients} is unknown; known are:"},
		{"${wasm.client}", "${wasm}", "${wasm} is unknown"},
		{"client: client/cmd/page", "client: ../tickets", "wasm.client"},
		{"SCHEMA: ${namespace}", "SCHEMA: ${wasm.client}", "lab.SCHEMA: ${wasm.client} is unknown"},
	} {
		text := strings.Replace(good, test.old, test.new, 1)
		if text == good {
			t.Fatalf("%q isn't in the text", test.old)
		}
		if _, err := Parse("rides", []byte(text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.new, err, test.want)
		}
	}
	// A port can only be looked up once the backends are known.
	c, err := Parse("rides", []byte(strings.Replace(good, "flink.sql", "flink.cql", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Resolve(world(t.TempDir())); err == nil || !strings.Contains(err.Error(), `processes.api.env.SQL: ${flink.cql}: flink has no port "cql"; it has: rest, sql, and data`) {
		t.Errorf("an unknown port: %v", err)
	}
}

func TestLoadNamesTheFileAndTheCasesThereAre(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "cases", "rides")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "case.yaml")
	if err := os.WriteFile(path, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(root, "rides"); err == nil || !strings.Contains(err.Error(), "edge.conf") {
		t.Errorf("without its edge: %v", err)
	}
	edge := "upstream api { server ${API_1}; server ${API_2}; }\nlisten ${NGINX}; proxy_set_header Host $host; ${other} ${LISTEN} ${FLINK_SQL}"
	if err := os.WriteFile(filepath.Join(dir, "edge.conf"), []byte(edge), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(root, "rides"); err == nil || !strings.Contains(err.Error(), "wasm.client: ") {
		t.Errorf("without its program for the browser: %v", err)
	}
	program := filepath.Join(dir, "client", "cmd", "page")
	if err := os.MkdirAll(program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(program, "main.go"), []byte("package main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(root, "rides")
	if err != nil {
		t.Fatal(err)
	}
	w := world(t.TempDir())
	instances, err := c.Resolve(w)
	if err != nil {
		t.Fatal(err)
	}
	config, err := c.EdgeConfig(w, instances)
	want := "upstream api { server 127.0.0.1:9201; server 127.0.0.1:9202; }\nlisten 127.0.0.1:9080; proxy_set_header Host $host; ${other} 127.0.0.1:9080 127.0.0.1:9083"
	if err != nil || config != want {
		t.Errorf("edge: %q, %v, want %q", config, err, want)
	}
	var unknown *UnknownCase
	if _, err := Load(root, "tickets"); !errors.As(err, &unknown) || !slices.Equal(unknown.Known, []string{"rides"}) {
		t.Errorf("an unknown case: %v", err)
	}
	if err := os.WriteFile(path, []byte("title: [\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(root, "rides"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("broken yaml: %v", err)
	}
}

// The cases of this checkout, as they are.
func TestTheCasesOfThisCheckoutLoad(t *testing.T) {
	names := List("../..")
	if !slices.Contains(names, "shortener") {
		t.Fatalf("the cases are %v", names)
	}
	for _, name := range names {
		if _, err := Load("../..", name); err != nil {
			t.Error(err)
		}
	}
}

func TestRefers(t *testing.T) {
	for text, want := range map[string]bool{"http://${flink.sql}/": true, "${flink}": true, "${flinkx}": false, "flink": false, "": false} {
		if Refers(text, "flink") != want {
			t.Errorf("Refers(%q) is %v", text, !want)
		}
	}
}
