package catalog_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"designkits/infra/backend"
	store3 "designkits/infra/backend/s3"
)

func s3Client(t *testing.T, site backend.Site) *s3.Client {
	c := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	t.Cleanup(c.CloseIdleConnections)
	return s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + site.Addr("s3")), Region: store3.Region, HTTPClient: c, UsePathStyle: true,
		// By default a pre-signed URL would want a CRC32 that a browser doesn't send.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: store3.AccessKey, SecretAccessKey: store3.SecretKey}, nil
		}),
	})
}

func s3Bucket(t *testing.T, c *s3.Client, name string) *string {
	t.Helper()
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return &name
}

func s3Put(t *testing.T, c *s3.Client, bucket *string, key string) {
	t.Helper()
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(key)}); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func s3Held(t *testing.T, site backend.Site, bucket string) bool {
	t.Helper()
	all, err := s3Client(t, site).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range all.Buckets {
		if *b.Name == bucket {
			return true
		}
	}
	return false
}

func s3Name(namespace, part string) string { return strings.ReplaceAll(namespace, "_", "-") + part }

// page is how many objects Drop lists at a time.
const page = 200

// Objects in folders, more than one page of a list.
var s3Buckets = store{
	backend: "s3 buckets",
	put: func(t *testing.T, site backend.Site, namespace string) {
		c := s3Client(t, site)
		bucket := s3Bucket(t, c, s3Name(namespace, ""))
		for i := range page + 10 {
			s3Put(t, c, bucket, fmt.Sprintf("a/%d/blob", i))
		}
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		return s3Held(t, site, s3Name(namespace, ""))
	},
}

// A bucket with an upload that nobody finishes.
var s3Uploads = store{
	backend: "s3 uploads",
	put: func(t *testing.T, site backend.Site, namespace string) {
		c := s3Client(t, site)
		bucket := s3Bucket(t, c, s3Name(namespace, "-media"))
		upload, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("a/blob")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: aws.String("a/blob"), UploadId: upload.UploadId,
			PartNumber: aws.Int32(1), Body: strings.NewReader("a part")})
		if err != nil {
			t.Fatal(err)
		}
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		return s3Held(t, site, s3Name(namespace, "-media"))
	},
}

func TestS3SurvivesAKill(t *testing.T) {
	s := serve(t, "s3")
	s.listensOnLoopbackOnly(t)
	c := s3Client(t, s.Site)
	bucket := s3Bucket(t, c, "kept")
	const objects = 200
	for i := range objects {
		s3Put(t, c, bucket, fmt.Sprintf("a/%d", i))
	}
	upload, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("in-parts"), ContentType: aws.String("image/avif")})
	if err != nil {
		t.Fatal(err)
	}
	part := func(number int32, body []byte) types.CompletedPart {
		done, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: aws.String("in-parts"), UploadId: upload.UploadId,
			PartNumber: &number, Body: bytes.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		return types.CompletedPart{PartNumber: &number, ETag: done.ETag}
	}
	first := part(1, make([]byte, 5<<20))
	s.kill(t)
	for i := range objects {
		key := fmt.Sprintf("a/%d", i)
		got, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: &key})
		if err != nil {
			t.Fatalf("acknowledged %s after a kill: %v", key, err)
		}
		text, err := io.ReadAll(got.Body)
		got.Body.Close()
		if err != nil || string(text) != key {
			t.Fatalf("acknowledged %s is %q, %v after a kill", key, text, err)
		}
	}
	// An upload in parts goes on where it was.
	parts := []types.CompletedPart{first, part(2, []byte("the rest"))}
	_, err = c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: aws.String("in-parts"),
		UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	if err != nil {
		t.Fatal(err)
	}
	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("in-parts")})
	if err != nil || *head.ContentLength != 5<<20+8 || *head.ContentType != "image/avif" {
		t.Errorf("the object in parts: %+v, %v", head, err)
	}
	s.stopsInTime(t)
}

// A pre-signed upload is what a page holds that knows no key: it may put what it
// was signed for, and nothing else.
func TestS3PresignedUploadInParts(t *testing.T) {
	_, site := shared(t, "s3")
	c := s3Client(t, site)
	bucket, key := s3Bucket(t, c, "presigned-"+strings.ToLower(rand.Text())), aws.String("blob")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := store3.Backend.Drop(ctx, site, *bucket); err != nil {
			t.Error(err)
		}
	})
	upload, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
	if err != nil {
		t.Fatal(err)
	}
	sign := s3.NewPresignClient(c)
	bodies := [][]byte{bytes.Repeat([]byte("1"), 5<<20), []byte("the rest")}
	put := func(number int32, body []byte, change func(*http.Request)) (*http.Response, string) {
		t.Helper()
		sum := sha256.Sum256(bodies[number-1])
		signed, err := sign.PresignUploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: upload.UploadId,
			PartNumber: &number, ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:]))}, s3.WithPresignExpires(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range signed.SignedHeader {
			if !strings.EqualFold(name, "host") && !strings.EqualFold(name, "content-length") {
				req.Header[name] = values
			}
		}
		if change != nil {
			change(req)
		}
		return s3Do(t, req)
	}
	if resp, text := put(2, []byte("the last"), nil); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a part that isn't what was signed: %s\n%s", resp.Status, text)
	}
	if resp, text := put(2, bodies[1], func(r *http.Request) { r.URL.Path = "/" + *bucket + "/other" }); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a part of another object: %s\n%s", resp.Status, text)
	}
	var parts []types.CompletedPart
	for _, number := range []int32{2, 1, 1} { // in any order, and once more
		resp, text := put(number, bodies[number-1], nil)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("part %d: %s\n%s", number, resp.Status, text)
		}
		sum := sha256.Sum256(bodies[number-1])
		parts = append([]types.CompletedPart{{PartNumber: &number, ETag: aws.String(resp.Header.Get("ETag")),
			ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:]))}}, parts...)
	}
	_, err = c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts[1:]}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if all, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(all, bytes.Join(bodies, nil)) {
		t.Errorf("it came back as %d bytes that aren't what was put: %v", len(all), err)
	}
}

func s3Do(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// A browser asks before it puts anything to another origin; the answer is the
// bucket's rules.
func TestS3AnswersPreflightRequests(t *testing.T) {
	_, site := shared(t, "s3")
	c := s3Client(t, site)
	bucket := s3Bucket(t, c, "preflight-"+strings.ToLower(rand.Text()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := store3.Backend.Drop(ctx, site, *bucket); err != nil {
			t.Error(err)
		}
	})
	const origin = "http://127.0.0.1:8080"
	_, err := c.PutBucketCors(t.Context(), &s3.PutBucketCorsInput{Bucket: bucket, CORSConfiguration: &types.CORSConfiguration{CORSRules: []types.CORSRule{{
		AllowedOrigins: []string{origin}, AllowedMethods: []string{"PUT", "GET"}, AllowedHeaders: []string{"content-type", "x-amz-checksum-sha256"},
		ExposeHeaders: []string{"ETag"}, MaxAgeSeconds: aws.Int32(600),
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(from, method string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://"+site.Addr("s3")+"/"+*bucket+"/blob?partNumber=1&uploadId=x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", from)
		req.Header.Set("Access-Control-Request-Method", method)
		req.Header.Set("Access-Control-Request-Headers", "content-type,x-amz-checksum-sha256")
		resp, _ := s3Do(t, req)
		return resp
	}
	resp := ask(origin, "PUT")
	if resp.StatusCode/100 != 2 || resp.Header.Get("Access-Control-Allow-Origin") != origin ||
		!strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), "PUT") ||
		!strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "x-amz-checksum-sha256") {
		t.Errorf("the page is answered %s %v", resp.Status, resp.Header)
	}
	for _, refused := range []*http.Response{ask("http://elsewhere.example", "PUT"), ask(origin, "DELETE")} {
		if refused.StatusCode/100 == 2 || refused.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("what the rules don't allow is answered %s %v", refused.Status, refused.Header)
		}
	}
	// The answer itself must name the origin too, and show the part's ETag.
	signed, err := s3.NewPresignClient(c).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("blob")})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", origin)
	resp, text := s3Do(t, req)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Access-Control-Allow-Origin") != origin || !strings.Contains(resp.Header.Get("Access-Control-Expose-Headers"), "ETag") {
		t.Errorf("the upload is answered %s %v\n%s", resp.Status, resp.Header, text)
	}
}
