// Package s3 is a store that speaks Amazon S3's protocol as a backend:
// versitygw, which keeps each bucket as a folder and each object as a file.
//
// An upload is in the object's place when all of it is there, so nobody reads
// half of one, and what was acknowledged survives a kill of the process. It isn't
// forced to the disk: a crash of the machine may lose the last seconds. An
// object's metadata are extended attributes of its file, which the file system
// below the state folder must have (tmpfs has them since Linux 6.6).
//
// Whoever reaches the port may do everything with the access key kit and the
// secret key that stands here, which are the same everywhere and no secret; it
// listens on loopback only. What a pre-signed URL allows is nonetheless all that
// its holder may do who doesn't know them. Every signature names the region
// us-east-1, and buckets are a path's first part, not a host's.
//
// What was tried, on 1.8.0, with the tests of package catalog: multipart uploads
// by pre-signed URLs, whose parts may come in any order and again; a checksum that
// is signed with the URL, sent as x-amz-checksum-sha256, and compared with the body;
// preflight requests, which are answered once the bucket has CORS rules
// (PutBucketCors), so that a page of another origin uploads straight to the
// store. A client of aws-sdk-go-v2 that signs URLs for a browser must calculate
// checksums only when required (RequestChecksumCalculationWhenRequired): by
// default it would sign for a CRC32 that the browser doesn't send.
//
// A namespace's buckets have hyphens where the namespace has underscores, which
// no bucket's name may have: dev_t3 has the buckets dev-t3 and dev-t3-….
package s3

import (
	"context"
	"fmt"
	"os"

	"designkits/infra/backend"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name    = "s3"
	version = "1.8.0"
	port    = "s3"

	// AccessKey and SecretKey are what every client signs with.
	AccessKey = "kit"
	SecretKey = "kit-on-loopback"
	// Region is what every signature names.
	Region = "us-east-1"
)

// MemoryLimit makes the garbage collector work harder in time.
const MemoryLimit = "GOMEMLIMIT=192MiB"

var server = provision.Go{Name: name, Package: "github.com/versity/versitygw/cmd/versitygw", Version: "v" + version, Bytes: 109_000_000}

// Backend is the S3 store. An upload or a download takes a buffer of 256 KiB.
var Backend = backend.Backend{
	Name:    name,
	Version: version,
	Ports:   []backend.Port{{Name: port, Number: 7070}},
	Memory:  256 << 20,
	Sources: []provision.Source{server},
	Units:   units,
	Ready:   ready,
	Drop:    drop,
}

// Arguments are those of the server on both engines: where it listens, and the
// folder with the buckets. It would print a line a request.
func Arguments(listen, buckets string) []string {
	return []string{"--port", listen, "--access", AccessKey, "--secret", SecretKey, "--region", Region, "--quiet",
		"posix", "--io-buffer-size", "262144", buckets}
}

func units(site backend.Site) ([]supervise.Spec, error) {
	buckets := site.Path("buckets")
	if err := os.MkdirAll(buckets, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder of s3: %w", err)
	}
	return []supervise.Spec{{
		Name:    name,
		Kind:    "backend",
		Command: append([]string{server.Program(site.Cache)}, Arguments(site.Addr(port), buckets)...),
		Env:     []string{MemoryLimit},
		Dir:     site.Data,
		Ready:   func(ctx context.Context) error { return ready(ctx, site) },
		Ports:   []int{site.Ports[port]},
		Address: site.Addr(port),
	}}, nil
}
