package s3

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"designkits/infra/backend"
)

// readyBucket is what ready writes to.
const readyBucket = "kit-ready"

// page is how many objects are listed at a time, to be deleted.
const page = 200

// open makes a client that asks once.
func open(site backend.Site) (client *s3.Client, closeIdle func()) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + site.Addr(port)),
		Region:       Region,
		UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: AccessKey, SecretAccessKey: SecretKey}, nil
		}),
		Retryer:    aws.NopRetryer{},
		HTTPClient: &http.Client{Transport: transport},
	}), transport.CloseIdleConnections
}

// ready puts an object of a new name, gets it, and deletes it.
func ready(ctx context.Context, site backend.Site) error {
	client, closeIdle := open(site)
	defer closeIdle()
	bucket := aws.String(readyBucket)
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	if ours, others := (*types.BucketAlreadyOwnedByYou)(nil), (*types.BucketAlreadyExists)(nil); err != nil && !errors.As(err, &ours) && !errors.As(err, &others) {
		return fmt.Errorf("s3: create bucket %s: %w", readyBucket, err)
	}
	key := aws.String(rand.Text())
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader(*key)}); err != nil {
		return fmt.Errorf("s3: put an object: %w", err)
	}
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return fmt.Errorf("s3: get an object: %w", err)
	}
	defer got.Body.Close()
	if text, err := io.ReadAll(got.Body); err != nil {
		return fmt.Errorf("s3: get an object: %w", err)
	} else if string(text) != *key {
		return fmt.Errorf("s3: got %q where %q was put", text, *key)
	}
	if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key}); err != nil {
		return fmt.Errorf("s3: delete an object: %w", err)
	}
	return nil
}

// drop deletes the namespace's buckets with what is in them, finished or not.
func drop(ctx context.Context, site backend.Site, namespace string) error {
	client, closeIdle := open(site)
	defer closeIdle()
	all, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return fmt.Errorf("s3: drop %s: list buckets: %w", namespace, err)
	}
	for _, b := range all.Buckets {
		if !backend.Within(*b.Name, strings.ReplaceAll(namespace, "_", "-")) {
			continue
		}
		if err := remove(ctx, client, b.Name); err != nil {
			return fmt.Errorf("s3: drop %s: bucket %s: %w", namespace, *b.Name, err)
		}
	}
	return nil
}

// remove deletes a bucket. What somebody else deletes meanwhile is no error.
func remove(ctx context.Context, client *s3.Client, bucket *string) error {
	for pages := s3.NewListMultipartUploadsPaginator(client, &s3.ListMultipartUploadsInput{Bucket: bucket}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unlessGone(fmt.Errorf("list uploads: %w", err))
		}
		for _, u := range page.Uploads {
			_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: u.Key, UploadId: u.UploadId})
			if err := unlessGone(err); err != nil {
				return fmt.Errorf("abort the upload of %s: %w", *u.Key, err)
			}
		}
	}
	for pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(page)}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return unlessGone(fmt.Errorf("list objects: %w", err))
		}
		for _, o := range page.Contents {
			if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: o.Key}); unlessGone(err) != nil {
				return fmt.Errorf("delete %s: %w", *o.Key, err)
			}
		}
	}
	_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	return unlessGone(err)
}

// unlessGone is nil for an error that says that what was meant isn't there.
func unlessGone(err error) error {
	var api interface{ ErrorCode() string }
	if errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "NoSuch") {
		return nil
	}
	return err
}
