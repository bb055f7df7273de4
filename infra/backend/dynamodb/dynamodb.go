// Package dynamodb is DynamoDB Local as a backend: Amazon's own program that
// speaks DynamoDB's protocol and keeps its tables in one SQLite file.
//
// What was acknowledged survives a kill of the process. It is not the service:
// there are no partitions and no throttling, every read is consistent, and
// whoever reaches the port may do everything, with any access key and from any
// region. It listens on loopback only and sends no telemetry.
package dynamodb

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"designkits/infra/backend"
	"designkits/infra/backend/jvm"
	"designkits/infra/provision"
	"designkits/infra/supervise"
)

const (
	name    = "dynamodb"
	version = "2.5.3"
	port    = "http"
)

//go:embed pom.xml
var pom []byte

//go:embed Loopback.java
var loopback []byte

var jars = provision.Maven{Name: name, Version: version, POM: pom, Bytes: 51_000_000}

// Backend is DynamoDB Local.
var Backend = backend.Backend{
	Name:    name,
	Version: version,
	Ports:   []backend.Port{{Name: port, Number: 8000}},
	Memory:  448 << 20,
	Sources: []provision.Source{jars},
	Units:   units,
	Ready:   ready,
	Drop:    drop,
}

func units(site backend.Site) ([]supervise.Spec, error) {
	tables := site.Path("tables")
	if err := os.MkdirAll(tables, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder of dynamodb: %w", err)
	}
	program := site.Path("Loopback.java")
	if err := os.WriteFile(program, loopback, 0o644); err != nil {
		return nil, fmt.Errorf("write dynamodb's main: %w", err)
	}
	server := jvm.Server{
		Name: name, Jars: jars, Heap: 256,
		// SQLite's native library is one of the files that Maven has fetched.
		Options: []string{"-Dsqlite4java.library.path=" + jars.Lib(site.Cache)},
		Main:    program, // a source file: java compiles it in memory
		Args:    []string{"-sharedDb", "-dbPath", tables, "-port", strconv.Itoa(site.Ports[port]), "-disableTelemetry"},
	}
	spec, err := server.Unit(site, ready, site.Addr(port), site.Ports[port])
	return []supervise.Spec{spec}, err
}

// open makes a client that asks once. The key and the region may be any; a
// request without them is refused.
func open(site backend.Site) (client *dynamodb.Client, closeIdle func()) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String("http://" + site.Addr(port)),
		Region:       "local",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
		Retryer:    aws.NopRetryer{},
		HTTPClient: &http.Client{Transport: transport},
	}), transport.CloseIdleConnections
}

// ready lists the tables.
func ready(ctx context.Context, site backend.Site) error {
	client, closeIdle := open(site)
	defer closeIdle()
	if _, err := client.ListTables(ctx, &dynamodb.ListTablesInput{Limit: aws.Int32(1)}); err != nil {
		return fmt.Errorf("dynamodb: list tables: %w", err)
	}
	return nil
}

// drop deletes the tables within the namespace.
func drop(ctx context.Context, site backend.Site, namespace string) error {
	client, closeIdle := open(site)
	defer closeIdle()
	var ours []string
	for pages := dynamodb.NewListTablesPaginator(client, &dynamodb.ListTablesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("dynamodb: drop %s: list tables: %w", namespace, err)
		}
		for _, table := range page.TableNames {
			if backend.Within(table, namespace) {
				ours = append(ours, table)
			}
		}
	}
	for _, table := range ours {
		_, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
		if gone := (*types.ResourceNotFoundException)(nil); err != nil && !errors.As(err, &gone) {
			return fmt.Errorf("dynamodb: delete table %s: %w", table, err)
		}
	}
	return nil
}
