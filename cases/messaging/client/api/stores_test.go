package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/shared/cql"
	"designkits/shared/testenv"
)

// A place is where something stands.
type place struct{ store, name string }

func (p place) String() string { return p.store + " (" + p.name + ")" }

// everything is all that the case's backends hold of this case, row by row, and all
// that its processes have written to their logs. Nobody tells it which tables, topics,
// keys and buckets there are.
func (s *site) everything() iter.Seq2[place, []byte] {
	return func(yield func(place, []byte) bool) {
		for _, of := range []func(func(place, []byte)){s.inCassandra, s.inKafka, s.inRedis, s.inS3, s.inLogs} {
			of(func(p place, content []byte) { yield(p, content) }) // the loop is never left early
		}
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) inCassandra(found func(place, []byte)) {
	session, err := cql.Open(s.t.Context(), cql.Config{Hosts: []string{testenv.Addr(s.t, "cassandra")}, Keyspace: s.Namespace})
	s.must(err)
	defer session.Close()
	var table string
	var tables []string
	names := session.Query(`SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?`, s.Namespace).Iter()
	for names.Scan(&table) {
		tables = append(tables, table)
	}
	s.must(names.Close())
	for _, table := range tables {
		rows := session.Query(`SELECT JSON * FROM ` + table).Iter()
		for row := ""; rows.Scan(&row); {
			found(place{"cassandra", table}, []byte(row))
		}
		s.must(rows.Close())
	}
}

func (s *site) inKafka(found func(place, []byte)) {
	seeds := kgo.SeedBrokers(testenv.Addr(s.t, "kafka"))
	client, err := kgo.NewClient(seeds)
	s.must(err)
	defer client.Close()
	all, err := kadm.NewClient(client).ListTopics(s.t.Context())
	s.must(err)
	var topics []string
	for _, topic := range all.Names() {
		if strings.HasPrefix(topic, s.Namespace) {
			topics = append(topics, topic)
		}
	}
	ends, err := kadm.NewClient(client).ListEndOffsets(s.t.Context(), topics...)
	s.must(err)
	left := map[string]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[fmt.Sprint(o.Topic, o.Partition)] = o.Offset
		}
	})
	reader, err := kgo.NewClient(seeds, kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())
	s.must(err)
	defer reader.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		s.must(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			if at := fmt.Sprint(r.Topic, r.Partition); r.Offset+1 >= left[at] {
				delete(left, at)
			}
			content := bytes.Join([][]byte{r.Key, r.Value}, []byte("\n"))
			for _, h := range r.Headers {
				content = append(append(content, h.Key...), h.Value...)
			}
			found(place{"kafka", r.Topic}, content)
		})
	}
}

func (s *site) redis() *goredis.Client {
	return goredis.NewClient(&goredis.Options{Addr: testenv.Addr(s.t, "redis")})
}

func (s *site) inRedis(found func(place, []byte)) {
	client := s.redis()
	defer client.Close()
	ctx := s.t.Context()
	keys := client.Scan(ctx, 0, s.Namespace+"*", 1000).Iterator()
	for keys.Next(ctx) {
		key := keys.Val()
		kind, err := client.Type(ctx, key).Result()
		s.must(err)
		var value any
		switch kind {
		case "string":
			value, err = client.Get(ctx, key).Result()
		case "hash":
			value, err = client.HGetAll(ctx, key).Result()
		case "set":
			value, err = client.SMembers(ctx, key).Result()
		case "zset":
			value, err = client.ZRangeWithScores(ctx, key, 0, -1).Result()
		case "list":
			value, err = client.LRange(ctx, key, 0, -1).Result()
		case "none": // it has expired meanwhile
		default:
			s.t.Fatalf("a key of kind %s: say how it is read", kind)
		}
		if err != nil && err != goredis.Nil {
			s.t.Fatal(err)
		}
		found(place{"redis", key}, fmt.Append(nil, key, value))
	}
	s.must(keys.Err())
}

func (s *site) s3() *awss3.Client {
	return awss3.New(awss3.Options{
		BaseEndpoint: aws.String("http://" + testenv.Addr(s.t, "s3")), Region: "us-east-1", UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "kit", SecretAccessKey: "kit-on-loopback"}, nil
		}),
	})
}

// buckets are the names of the case's.
func (s *site) buckets(client *awss3.Client) (names []*string) {
	all, err := client.ListBuckets(s.t.Context(), &awss3.ListBucketsInput{})
	s.must(err)
	for _, bucket := range all.Buckets {
		if strings.HasPrefix(*bucket.Name, strings.ReplaceAll(s.Namespace, "_", "-")) {
			names = append(names, bucket.Name)
		}
	}
	return names
}

func (s *site) inS3(found func(place, []byte)) {
	client := s.s3()
	for _, bucket := range s.buckets(client) {
		objects, err := client.ListObjectsV2(s.t.Context(), &awss3.ListObjectsV2Input{Bucket: bucket})
		s.must(err)
		for _, object := range objects.Contents {
			got, err := client.GetObject(s.t.Context(), &awss3.GetObjectInput{Bucket: bucket, Key: object.Key})
			s.must(err)
			content, err := io.ReadAll(got.Body)
			s.must(err)
			s.must(got.Body.Close())
			found(place{"s3", *object.Key}, fmt.Append(content, got.Metadata, *object.Key))
		}
	}
}

func (s *site) inLogs(found func(place, []byte)) {
	for _, name := range s.Names() {
		content, err := s.Output(name)
		s.must(err)
		found(place{"log", name}, content)
	}
}
