// Package nginx is nginx as a backend: the edge in front of a case's replicas.
//
// What it serves is the case's: every file in the site's conf.d folder, each
// with upstream and server blocks as they stand inside http{}, the form of the
// official image's templates once their ${NAME}s are filled in. The kit writes
// them there before Units; a change takes a restart.
//
// It keeps nothing, so there is nothing to drop. Bodies of requests and answers
// pass through it and are never put into a file.
package nginx

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"text/template"

	"designkits/infra/backend"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name = "nginx"
	port = "http"
)

//go:embed nginx.conf
var config string

var configTemplate = template.Must(template.New("nginx.conf").Parse(config))

//go:embed status.conf.template
var status string

//go:embed mime.types
var mimeTypes []byte

var server = provision.Debian{
	Name: name, Program: "nginx", VersionArgs: []string{"-v"}, Major: "1",
	Packages: []string{"nginx"}, Services: []string{"nginx"}, Bytes: 1_300_000,
}

// Backend is nginx.
var Backend = backend.Backend{
	Name:    name,
	Version: "1.22",
	Ports:   []backend.Port{{Name: port, Number: 8080}},
	Memory:  128 << 20,
	Sources: []provision.Source{server},
	Units:   units,
	Ready:   ready,
	Drop:    func(context.Context, backend.Site, string) error { return nil },
}

func units(site backend.Site) ([]supervise.Spec, error) {
	program, err := server.Path()
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{"conf.d", "tmp"} {
		if err := os.MkdirAll(site.Path(dir), 0o755); err != nil {
			return nil, fmt.Errorf("make the data folder of nginx: %w", err)
		}
	}
	var text bytes.Buffer
	if err := configTemplate.Execute(&text, map[string]any{"Data": site.Data, "User": workerUser(site.Data)}); err != nil {
		return nil, fmt.Errorf("write nginx's configuration: %w", err)
	}
	for file, content := range map[string][]byte{
		"nginx.conf":  text.Bytes(),
		"status.conf": []byte(strings.ReplaceAll(status, "${LISTEN}", site.Addr(port))),
		"mime.types":  mimeTypes,
	} {
		if err := os.WriteFile(site.Path(file), content, 0o644); err != nil {
			return nil, fmt.Errorf("write nginx's configuration: %w", err)
		}
	}
	return []supervise.Spec{{
		Name:    name,
		Kind:    "backend",
		Command: []string{program, "-p", site.Data, "-c", site.Path("nginx.conf"), "-e", "stderr"},
		Dir:     site.Data,
		Ready:   func(ctx context.Context) error { return ready(ctx, site) },
		Ports:   []int{site.Ports[port]},
		Address: site.Addr(port),
	}}, nil
}

// workerUser is whom the workers run as when we are root, and "" otherwise, when
// there is no choice. It is root where nobody else can reach the data folder, as
// below root's own home: a case's edge may keep a cache there.
func workerUser(data string) string {
	if os.Geteuid() != 0 {
		return ""
	}
	for dir := data; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o001 == 0 {
			return "root"
		}
	}
	for _, name := range []string{"www-data", "nginx", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			if g, err := user.LookupGroupId(u.Gid); err == nil {
				return name + " " + g.Name
			}
		}
	}
	return ""
}

// ready asks for the status page.
func ready(ctx context.Context, site backend.Site) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+site.Addr(port)+"/stub_status", nil)
	if err != nil {
		return fmt.Errorf("nginx: %w", err)
	}
	req.Host = "status.designkits"
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("nginx: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	if err != nil {
		return fmt.Errorf("nginx: %w", err)
	}
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), "Active connections:") {
		return errors.New("nginx: no status page but " + resp.Status + " (does something else listen at " + site.Addr(port) + "?)")
	}
	return nil
}
