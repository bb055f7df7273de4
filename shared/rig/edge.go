package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// frame is the nginx configuration around the case's own server block: all
// that nginx writes stays in the case's folder.
const frame = `daemon off;
worker_processes 1;
pid %[1]s/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log /dev/null combined buffer=64k; # not off, which would end the case's own logs as well
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  include %[1]s/case.conf;
}
`

func startEdge(dir string, topology topology, folder string, addresses map[string]string) (*process, error) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		nginx = "/usr/sbin/nginx" // where Debian puts it, which is not on everybody's PATH
	}
	template, err := os.ReadFile(filepath.Join(dir, topology.Edge))
	if err != nil {
		return nil, fmt.Errorf("the edge's configuration: %w", err)
	}
	conf := reference.ReplaceAllStringFunc(string(template), func(ref string) string {
		name := ref[2 : len(ref)-1]
		for instance, addr := range addresses {
			if name == strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(instance)) {
				return addr
			}
		}
		return ref // nginx's own
	})
	home := filepath.Join(folder, "edge")
	if err := os.MkdirAll(home, 0o755); err != nil {
		return nil, err
	}
	for name, content := range map[string]string{"nginx.conf": fmt.Sprintf(frame, home), "case.conf": conf} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	p := &process{name: "edge", path: nginx, workers: true, args: []string{"-e", "stderr", "-p", home, "-c", filepath.Join(home, "nginx.conf")},
		ready: "http://" + addresses["nginx"] + "/", log: filepath.Join(folder, "edge.log")}
	return p, p.start()
}
