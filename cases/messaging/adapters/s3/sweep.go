package s3

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"designkits/cases/messaging/media"
)

// Sweep implements media.Store. Several processes may sweep at once: what one has
// dropped the other doesn't find.
func (s *Store) Sweep(ctx context.Context, now time.Time) (uploads, blobs int, err error) {
	if uploads, err = s.sweepUploads(ctx, now); err != nil {
		return uploads, 0, err
	}
	blobs, err = s.sweepBlobs(ctx, now)
	return uploads, blobs, err
}

func (s *Store) sweepUploads(ctx context.Context, now time.Time) (dropped int, err error) {
	for pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: s.bucket}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return dropped, fmt.Errorf("s3: sweep: list uploads: %w", err)
		}
		for _, u := range page.Uploads {
			if now.Sub(aws.ToTime(u.Initiated)) <= media.UploadFor {
				continue
			}
			_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: s.bucket, Key: u.Key, UploadId: u.UploadId})
			if err != nil && !gone(err) {
				return dropped, fmt.Errorf("s3: sweep: drop the upload of %s: %w", *u.Key, err)
			}
			dropped++
		}
	}
	return dropped, nil
}

// sweepBlobs walks over the list of blobs and the list of those that are used, both
// in the order of ids, side by side. A mark that is written meanwhile is missed
// only for a blob that is older than UploadFor, for which it comes too late.
func (s *Store) sweepBlobs(ctx context.Context, now time.Time) (dropped int, err error) {
	next, stop := iter.Pull2(s.list(ctx, "used/"))
	defer stop()
	marked, err, more := next()
	for o, failure := range s.list(ctx, "blob/") {
		if failure != nil {
			return dropped, failure
		}
		id := strings.TrimPrefix(*o.Key, "blob/")
		for more && err == nil && strings.TrimPrefix(*marked.Key, "used/") < id {
			marked, err, more = next()
		}
		if err != nil {
			return dropped, err
		}
		isUsed := more && strings.TrimPrefix(*marked.Key, "used/") == id
		if !media.Expired(now, aws.ToTime(o.LastModified), isUsed) {
			continue
		}
		for _, key := range []*string{blob(media.ID(id)), used(media.ID(id))} { // a mark without a blob would stay for ever
			if _, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: s.bucket, Key: key}); err != nil && !gone(err) {
				return dropped, fmt.Errorf("s3: sweep: drop %s: %w", *key, err)
			}
		}
		dropped++
	}
	return dropped, nil
}

// list yields the objects below a prefix in order, and an error at the end if there
// is one.
func (s *Store) list(ctx context.Context, prefix string) iter.Seq2[types.Object, error] {
	return func(yield func(types.Object, error) bool) {
		for pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: s.bucket, Prefix: &prefix}); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(types.Object{}, fmt.Errorf("s3: sweep: list %s: %w", prefix, err))
				return
			}
			for _, o := range page.Contents {
				if !yield(o, nil) {
					return
				}
			}
		}
	}
}
