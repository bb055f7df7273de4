package casetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// frame is the nginx configuration around the case's own server block: all
// that nginx writes stays in the test's folder.
const frame = `daemon off;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  include %[1]s/case.conf;
}
`

func startEdge(t testing.TB, dir string, topology topology, names names, port int) *process {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx" // where Debian puts it, which is not on everybody's PATH
	}
	template, err := os.ReadFile(filepath.Join(dir, topology.Edge))
	if err != nil {
		t.Fatalf("the edge's configuration: %v", err)
	}
	conf := reference.ReplaceAllStringFunc(string(template), func(ref string) string {
		name := ref[2 : len(ref)-1]
		if name == "NGINX" {
			return address(port)
		}
		for instance, port := range names.ports {
			if name == strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(instance)) {
				return address(port)
			}
		}
		return ref // nginx's own
	})
	home := filepath.Join(names.state, "edge")
	if err := os.MkdirAll(home, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"nginx.conf": fmt.Sprintf(frame, home), "case.conf": conf} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := &process{name: "edge", path: nginx, args: []string{"-e", "stderr", "-p", home, "-c", filepath.Join(home, "nginx.conf")},
		ready: "http://" + address(port) + "/", log: filepath.Join(names.state, "edge.log")}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	return p
}
