package catalog_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/infra/backend"
	"designkits/infra/backend/catalog"
	"designkits/infra/provision"
	"designkits/infra/supervise"
	"designkits/shared/hold"
)

// A server is an instance of a backend that belongs to one test, which may
// kill it.
type server struct {
	backend.Backend
	backend.Site
	sup *supervise.Supervisor
}

// serve starts a backend of the test's own on free ports.
func serve(t *testing.T, name string) server {
	t.Helper()
	b, ok := catalog.ByName(name)
	if !ok {
		t.Fatalf("no backend %s", name)
	}
	cache, err := provision.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if err := provision.Fetch(t.Context(), cache, b.Sources, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	site := backend.Site{Ports: freePorts(t, b.Ports), Data: filepath.Join(dir, "data", name), Cache: cache}
	specs, err := b.Units(site)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var died []string
	sup, err := supervise.Open(filepath.Join(dir, "state"), func(e supervise.Event) {
		if e.State == supervise.Dead {
			mu.Lock()
			defer mu.Unlock()
			died = append(died, fmt.Sprintf("%s: %s\n%s", e.Name, e.Reason, strings.Join(e.Lines, "\n")))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := sup.Close(ctx); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			mu.Lock()
			defer mu.Unlock()
			t.Log(strings.Join(died, "\n"))
		}
	})
	s := server{Backend: b, Site: site, sup: sup}
	if err := sup.Start(within(t, 5*time.Minute), specs...); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	return s
}

// freePorts finds ports that nobody listens on, and holds them for the test.
func freePorts(t *testing.T, ports []backend.Port) map[string]int {
	t.Helper()
	free := map[string]int{}
	for _, p := range ports {
		address, release, err := hold.Port()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if free[p.Name], err = strconv.Atoi(port); err != nil {
			t.Fatal(err)
		}
	}
	return free
}

func (s server) ready(t *testing.T) {
	t.Helper()
	if err := s.Ready(within(t, 2*time.Minute), s.Site); err != nil {
		t.Fatal(err)
	}
}

// kill ends it with SIGKILL, and starts it again.
func (s server) kill(t *testing.T) {
	t.Helper()
	if err := s.sup.Kill(within(t, time.Minute), s.Name); err != nil {
		t.Fatal(err)
	}
	s.restart(t)
}

func (s server) restart(t *testing.T) {
	t.Helper()
	if err := s.sup.Restart(within(t, 5*time.Minute), s.Name); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
}

// stopsInTime checks that a graceful stop takes less than the ten seconds after
// which the supervisor would kill: one of three, since other tests run beside it.
func (s server) stopsInTime(t *testing.T) {
	t.Helper()
	var took []time.Duration
	for range 3 {
		begun := time.Now()
		if err := s.sup.Stop(within(t, 20*time.Second), s.Name); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(begun))
		if slices.Min(took) <= 9*time.Second {
			return
		}
		s.restart(t)
	}
	t.Errorf("graceful stops took %s", took)
}

// listensOnLoopbackOnly looks up the listening sockets of all its processes.
func (s server) listensOnLoopbackOnly(t *testing.T) {
	t.Helper()
	listening := map[string]string{} // socket inode to address
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			t.Fatalf("%v (this test reads Linux's socket tables)", err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if fields := strings.Fields(lines.Text()); len(fields) > 9 && fields[3] == "0A" {
				listening[fields[9]] = fields[1]
			}
		}
	}
	found := 0
	for _, status := range s.sup.Status() {
		fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", status.Pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			target, err := os.Readlink(fd)
			if err != nil {
				continue // closed meanwhile
			}
			addr, ok := listening[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")]
			if !ok {
				continue
			}
			found++
			host, port, _ := strings.Cut(addr, ":")
			if !slices.Contains(loopback, host) {
				number, _ := strconv.ParseUint(port, 16, 16)
				t.Errorf("%s listens at %s, port %d, which isn't loopback", status.Name, host, number)
			}
		}
	}
	if found < len(s.Backend.Ports) {
		t.Errorf("found %d listening sockets, it has %d ports", found, len(s.Backend.Ports))
	}
}

// 127.0.0.1, ::1 and ::ffff:127.0.0.1, as the kernel writes them.
var loopback = []string{"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}

func TestCassandraSurvivesAKill(t *testing.T) {
	s := serve(t, "cassandra")
	s.listensOnLoopbackOnly(t)
	session := cassandraSession(t, s.Site)
	cassandraPut(t, session, "kept")
	for i := range 500 {
		if err := session.Query("INSERT INTO kept.links (code, target) VALUES (?, 'x')", fmt.Sprint(i)).WithContext(t.Context()).Exec(); err != nil {
			t.Fatal(err)
		}
	}
	s.kill(t)
	var rows int
	if err := cassandraSession(t, s.Site).Query("SELECT count(*) FROM kept.links").WithContext(t.Context()).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != 501 {
		t.Errorf("%d of 501 acknowledged rows are there after a kill", rows)
	}
	s.stopsInTime(t)
}

func TestKafkaSurvivesAKill(t *testing.T) {
	s := serve(t, "kafka")
	s.listensOnLoopbackOnly(t)
	c := kafkaClient(t, s.Site, kgo.DefaultProduceTopic("kept"))
	if _, err := kadm.NewClient(c).CreateTopic(t.Context(), 1, 1, nil, "kept"); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		if err := c.ProduceSync(t.Context(), kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	// A topic that nobody has created is an error and not a new topic.
	stray := kafkaClient(t, s.Site, kgo.UnknownTopicRetries(1), kgo.MetadataMinAge(100*time.Millisecond))
	if err := stray.ProduceSync(within(t, 20*time.Second), &kgo.Record{Topic: "typo"}).FirstErr(); err == nil {
		t.Error("producing to an unknown topic has created it")
	}
	before := cluster(t, s.Site)
	s.kill(t)
	if after := cluster(t, s.Site); after != before {
		t.Errorf("the cluster's id was %s and is %s", before, after)
	}
	reader := kafkaClient(t, s.Site, kgo.ConsumeTopics("kept"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for next := 0; next < 500; {
		fetched := reader.PollFetches(within(t, 2*time.Minute))
		if err := fetched.Err(); err != nil {
			t.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if string(r.Value) != fmt.Sprint(next) {
				t.Errorf("record %d is %q", next, r.Value)
			}
			next++
		})
	}
	s.stopsInTime(t)
}

func cluster(t *testing.T, site backend.Site) string {
	t.Helper()
	meta, err := kadm.NewClient(kafkaClient(t, site)).BrokerMetadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return meta.Cluster
}

// A job that is submitted again from its last checkpoint after all of Flink
// was stopped goes on where it was: every number comes out exactly once.
func TestFlinkStateOutlivesTheCluster(t *testing.T) {
	s := serve(t, "flink")
	s.listensOnLoopbackOnly(t)
	out := filepath.Join(t.TempDir(), "out")
	const numbers = 2000
	count := func(properties map[string]string) {
		properties["pipeline.name"] = "count"
		properties["execution.checkpointing.interval"] = "500 ms"
		flinkRun(t, s.Site, properties,
			fmt.Sprintf(`CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '100',
				'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '%d')`, numbers),
			`CREATE TABLE seen (n BIGINT) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = 'file://`+out+`',
				'sink.rolling-policy.rollover-interval' = '500 ms', 'sink.rolling-policy.check-interval' = '200 ms')`,
			`INSERT INTO seen SELECT n FROM numbers`)
	}
	count(map[string]string{})
	var checkpoint string
	eventually(t, "a checkpoint with some of the numbers", 2*time.Minute, func() error {
		if n := len(written(t, out)); n == 0 || n > numbers/2 {
			return fmt.Errorf("%d numbers are written", n)
		}
		id, _ := flinkJob(t, s.Site, "count")
		var latest struct {
			Latest struct {
				Completed *struct {
					Path string `json:"external_path"`
				} `json:"completed"`
			} `json:"latest"`
		}
		flinkCall(t, "GET", "http://"+s.Addr("rest")+"/jobs/"+id+"/checkpoints", nil, &latest)
		if latest.Latest.Completed == nil {
			return errors.New("no checkpoint is completed")
		}
		return nil
	})
	s.restart(t)
	if id, _ := flinkJob(t, s.Site, "count"); id != "" {
		t.Errorf("job %s survived the restart by itself: then this package's comment is wrong", id)
	}
	checkpoint = newest(t, s.Path("checkpoints"))
	count(map[string]string{"execution.state-recovery.path": checkpoint})
	eventually(t, "all numbers are written", 2*time.Minute, func() error {
		if _, state := flinkJob(t, s.Site, "count"); state != "FINISHED" {
			return fmt.Errorf("the job is %s", state)
		}
		return nil
	})
	got := written(t, out)
	slices.Sort(got)
	for i, n := range got {
		if n != int64(i+1) {
			t.Fatalf("number %d of %d is %d: one is lost or there twice", i+1, len(got), n)
		}
	}
	if len(got) != numbers {
		t.Errorf("%d of %d numbers were written", len(got), numbers)
	}
	s.stopsInTime(t)
}

// newest returns the completed checkpoint that was written last.
func newest(t *testing.T, dir string) string {
	t.Helper()
	var path string
	var at time.Time
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "_metadata" {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(at) {
			path, at = filepath.Dir(p), info.ModTime()
		}
		return err
	})
	if err != nil || path == "" {
		t.Fatalf("found no checkpoint below %s: %v", dir, err)
	}
	return path
}

// written reads the numbers that Flink has committed: a file in progress has a
// name with a dot in front.
func written(t *testing.T, dir string) (numbers []int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "part-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var row struct{ N int64 }
			if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, row.N)
		}
	}
	return numbers
}

func TestNginxListensOnLoopbackOnly(t *testing.T) {
	s := serve(t, "nginx")
	s.listensOnLoopbackOnly(t)
	s.restart(t)
	s.stopsInTime(t)
}
