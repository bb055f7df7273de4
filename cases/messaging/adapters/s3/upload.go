package s3

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"designkits/cases/messaging"
	"designkits/cases/messaging/media"
)

// Begin implements media.Store. Whatever the blob is, it is bytes to download: no
// browser shows or runs what somebody has uploaded.
func (s *Store) Begin(ctx context.Context, id media.ID) (string, error) {
	upload, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: s.bucket, Key: blob(id), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		ContentType: aws.String("application/octet-stream"), ContentDisposition: aws.String("attachment"),
	})
	if err != nil {
		return "", failed("begin the upload of", id, err)
	}
	return *upload.UploadId, nil
}

// SignPart implements media.Store: the sum and the length are signed, and the store
// refuses other bytes.
func (s *Store) SignPart(ctx context.Context, id media.ID, upload string, number int, p media.Part) (media.Signed, error) {
	signed, err := s.sign.PresignUploadPart(ctx, &s3.UploadPartInput{
		Bucket: s.bucket, Key: blob(id), UploadId: &upload, PartNumber: aws.Int32(int32(number + 1)),
		ContentLength: aws.Int64(p.Size), ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(p.SHA256)),
	}, s3.WithPresignExpires(media.SignedFor))
	if err != nil {
		return media.Signed{}, failed("sign a part of", id, err)
	}
	return signedOf(signed), nil
}

// signedOf leaves out the headers that every client sets by itself, and that a
// page may not set.
func signedOf(r *v4.PresignedHTTPRequest) media.Signed {
	header := http.Header{}
	for name, values := range r.SignedHeader {
		if !strings.EqualFold(name, "host") && !strings.EqualFold(name, "content-length") {
			header[http.CanonicalHeaderKey(name)] = values
		}
	}
	return media.Signed{Method: r.Method, URL: r.URL, Header: header}
}

// Have implements media.Store.
func (s *Store) Have(ctx context.Context, id media.ID, upload string, parts []media.Part) (map[int]bool, error) {
	tags, err := s.there(ctx, id, upload, parts)
	have := make(map[int]bool, len(tags))
	for number := range tags {
		have[number] = true
	}
	return have, err
}

// there returns the tags of the parts that are as they were announced.
func (s *Store) there(ctx context.Context, id media.ID, upload string, parts []media.Part) (map[int]*string, error) {
	tags := map[int]*string{}
	pages := s3.NewListPartsPaginator(s.client, &s3.ListPartsInput{Bucket: s.bucket, Key: blob(id), UploadId: &upload})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed("list the parts of", id, err)
		}
		for _, p := range page.Parts {
			number := int(aws.ToInt32(p.PartNumber)) - 1
			if number >= 0 && number < len(parts) && aws.ToInt64(p.Size) == parts[number].Size &&
				aws.ToString(p.ChecksumSHA256) == base64.StdEncoding.EncodeToString(parts[number].SHA256) {
				tags[number] = p.ETag
			}
		}
	}
	return tags, nil
}

// Complete implements media.Store.
func (s *Store) Complete(ctx context.Context, id media.ID, upload string, parts []media.Part) error {
	tags, err := s.there(ctx, id, upload, parts)
	if errors.Is(err, messaging.ErrNotFound) {
		return s.head(ctx, id) // completed before, if the blob is there
	}
	if err != nil {
		return err
	}
	if len(tags) < len(parts) {
		return media.ErrIncomplete
	}
	all := make([]types.CompletedPart, len(parts))
	for i, p := range parts {
		all[i] = types.CompletedPart{PartNumber: aws.Int32(int32(i + 1)), ETag: tags[i], ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(p.SHA256))}
	}
	_, err = s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: s.bucket, Key: blob(id), UploadId: &upload, MultipartUpload: &types.CompletedMultipartUpload{Parts: all},
	})
	if err != nil && gone(err) {
		return s.head(ctx, id) // by another at the same time
	}
	return failed("complete", id, err)
}

func (s *Store) head(ctx context.Context, id media.ID) error {
	_, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: s.bucket, Key: blob(id)})
	return failed("look for", id, err)
}

// SignGet implements media.Store.
func (s *Store) SignGet(ctx context.Context, id media.ID) (media.Signed, error) {
	if err := s.head(ctx, id); err != nil {
		return media.Signed{}, err
	}
	signed, err := s.sign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: s.bucket, Key: blob(id)}, s3.WithPresignExpires(media.SignedFor))
	if err != nil {
		return media.Signed{}, failed("sign a download of", id, err)
	}
	return signedOf(signed), nil
}

// Use implements media.Store.
func (s *Store) Use(ctx context.Context, id media.ID) error {
	if err := s.head(ctx, id); err != nil {
		return err
	}
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: s.bucket, Key: used(id), Body: strings.NewReader("")})
	return failed("mark as used", id, err)
}
