package api_test

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"designkits/shared/testenv"
)

// plant puts texts in the clear where no client of the messenger can put any: into
// each kind of value that Redis has, into an object of the S3 store and beside one,
// and into a process's log. It returns what everything is to find there.
func (s *site) plant() map[place]string {
	s.t.Helper()
	planted := map[place]string{}
	s.plantInRedis(planted)
	s.plantInS3(planted)
	s.plantInALog(planted)
	return planted
}

func (s *site) plantInRedis(planted map[place]string) {
	s.t.Helper()
	client := s.redis()
	defer client.Close()
	ctx := s.t.Context()
	for kind, put := range map[string]func(key, text string) error{
		"string": func(key, text string) error { return client.Set(ctx, key, text, 0).Err() },
		"hash":   func(key, text string) error { return client.HSet(ctx, key, "field", text).Err() },
		"set":    func(key, text string) error { return client.SAdd(ctx, key, text).Err() },
		"zset":   func(key, text string) error { return client.ZAdd(ctx, key, goredis.Z{Score: 1, Member: text}).Err() },
		"list":   func(key, text string) error { return client.RPush(ctx, key, text).Err() },
	} {
		key, text := s.Namespace+":planted:"+kind, "planted in a "+kind+" of Redis"
		s.must(put(key, text))
		planted[place{"redis", key}] = text
	}
}

func (s *site) plantInS3(planted map[place]string) {
	s.t.Helper()
	client := s.s3()
	buckets := s.buckets(client)
	if len(buckets) == 0 {
		s.t.Fatal("the case has no bucket")
	}
	for key, put := range map[string]awss3.PutObjectInput{
		"planted/inside": {Body: strings.NewReader("planted inside of an object")},
		"planted/beside": {Metadata: map[string]string{"said": "planted beside an object"}},
	} {
		put.Bucket, put.Key = buckets[0], aws.String(key)
		_, err := client.PutObject(s.t.Context(), &put)
		s.must(err)
		planted[place{"s3", key}] = "planted " + strings.TrimPrefix(key, "planted/")
	}
}

// plantInALog has a gateway complain of something: of a delivery that names a device
// which can't be one.
func (s *site) plantInALog(planted map[place]string) {
	s.t.Helper()
	const text = "planted in a delivery that can't be read"
	client, err := kgo.NewClient(kgo.SeedBrokers(testenv.Addr(s.t, "kafka")))
	s.must(err)
	defer client.Close()
	// {"schema": 1, "deliveries": [{"to": [text]}]} as CBOR.
	value := fmt.Appendf(nil, "\xa2\x66schema\x01\x6adeliveries\x81\xa1\x62to\x81\x78%c%s", len(text), text)
	s.must(client.ProduceSync(s.t.Context(), &kgo.Record{Topic: s.Namespace + ".deliveries.gateway-1", Value: value}).FirstErr())
	testenv.Eventually(s.t, time.Minute, "gateway-1 complains of the delivery", func() bool {
		log, err := s.Output("gateway-1")
		s.must(err)
		return bytes.Contains(log, []byte("a delivery was left out"))
	})
	planted[place{"log", "gateway-1"}] = text
}
