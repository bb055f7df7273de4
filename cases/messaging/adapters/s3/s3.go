// Package s3 is the media.Store on a store that speaks Amazon S3's protocol.
//
// A bucket of the namespace holds blobs under "blob/ID" and, for each that a message
// points to, an empty object "used/ID": the sweep compares two lists, and asks for
// no object. Both are written once under a name that nobody else has, so nothing
// depends on the order of writes. Devices put and get blobs by signed requests,
// across origins: the bucket's CORS rules name the origins of the page.
//
// Permissions it needs, on its bucket alone: create it and set its CORS rules; put,
// get, head, list and delete objects; create, list, complete and abort uploads.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"designkits/cases/messaging"
	"designkits/cases/messaging/media"
)

// Config says where the store is.
type Config struct {
	// URL is "http://ACCESS:SECRET@HOST:PORT", as this process reaches it.
	URL string
	// Blobs is "http://HOST:PORT" as devices reach it, which what is signed names;
	// default that of URL.
	Blobs     string
	Region    string // default us-east-1
	Namespace string
	Origins   []string // of pages that may put and get
}

// A Store is the media.Store.
type Store struct {
	client    *s3.Client
	sign      *s3.PresignClient
	transport *http.Transport
	bucket    *string
}

var _ media.Store = (*Store)(nil)

// Open connects and creates the bucket if there is none.
func Open(ctx context.Context, c Config) (*Store, error) {
	at, err := url.Parse(c.URL)
	if err != nil || at.Host == "" || at.User == nil {
		return nil, errors.New("open the S3 store: give its address as http://ACCESS:SECRET@HOST:PORT") // without the secret in it
	}
	secret, _ := at.User.Password()
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Blobs == "" {
		c.Blobs = at.Scheme + "://" + at.Host
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	s := &Store{
		transport: transport,
		bucket:    aws.String(strings.ReplaceAll(c.Namespace, "_", "-") + "-media"),
		client: s3.New(s3.Options{
			BaseEndpoint: aws.String(at.Scheme + "://" + at.Host), Region: c.Region, UsePathStyle: true,
			HTTPClient: &http.Client{Transport: transport},
			// By default a signed request would want a CRC32 that a browser doesn't send.
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: at.User.Username(), SecretAccessKey: secret}, nil
			}),
		}),
	}
	s.sign = s3.NewPresignClient(s3.New(s.client.Options(), func(o *s3.Options) { o.BaseEndpoint = &c.Blobs }))
	if err := s.create(ctx, c.Origins); err != nil {
		transport.CloseIdleConnections()
		return nil, err
	}
	return s, nil
}

func (s *Store) create(ctx context.Context, origins []string) error {
	_, err := s.client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: s.bucket})
	if ours, others := (*types.BucketAlreadyOwnedByYou)(nil), (*types.BucketAlreadyExists)(nil); err != nil && !errors.As(err, &ours) && !errors.As(err, &others) {
		return fmt.Errorf("s3: create bucket %s: %w", *s.bucket, err)
	}
	if len(origins) == 0 {
		return nil
	}
	_, err = s.client.PutBucketCors(ctx, &s3.PutBucketCorsInput{Bucket: s.bucket, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{
		AllowedOrigins: origins, AllowedMethods: []string{"PUT", "GET"}, AllowedHeaders: []string{"content-type", "x-amz-checksum-sha256"},
		ExposeHeaders: []string{"ETag"}, MaxAgeSeconds: aws.Int32(600),
	}}}})
	if err != nil {
		return fmt.Errorf("s3: allow pages of %v: %w", origins, err)
	}
	return nil
}

// Close closes the connections.
func (s *Store) Close(context.Context) error {
	s.transport.CloseIdleConnections()
	return nil
}

// Ping makes one round trip.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: s.bucket}); err != nil {
		return fmt.Errorf("ping s3: %w", err)
	}
	return nil
}

func blob(id media.ID) *string { return aws.String("blob/" + string(id)) }
func used(id media.ID) *string { return aws.String("used/" + string(id)) }

// failed gives an error its words; what isn't there is messaging.ErrNotFound.
func failed(operation string, id media.ID, err error) error {
	if err == nil {
		return nil
	}
	if gone(err) {
		return messaging.ErrNotFound
	}
	return fmt.Errorf("s3: %s %s: %w", operation, id, err)
}

// gone tells "NoSuchUpload", "NoSuchKey" and, of a HEAD, "NotFound".
func gone(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && (strings.HasPrefix(api.ErrorCode(), "NoSuch") || api.ErrorCode() == "NotFound")
}
