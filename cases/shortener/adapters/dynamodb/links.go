package dynamodb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"designkits/cases/shortener"
)

// Links is the shortener.LinkStore.
type Links struct{ db *DB }

// Links returns the link store.
func (db *DB) Links() *Links { return &Links{db} }

var _ shortener.LinkStore = (*Links)(nil)

// Put stores a new link under a generated code, if nothing is there: what is
// there can only be this link, or what has become of it since.
func (s *Links) Put(ctx context.Context, l shortener.Link) error {
	if !l.Code.Generated() {
		return fmt.Errorf("dynamodb: put link %q: not a generated code; an alias is claimed", l.Code)
	}
	return s.db.run(ctx, "put link", string(l.Code), 2*s.db.config.Timeout, func(ctx context.Context) error {
		err := s.swap(ctx, row{}, s.rowOf(l, rand.Text()))
		if refused := (*refusal)(nil); errors.As(err, &refused) {
			return nil
		}
		return err
	})
}

// Claim stores a new link under an alias if that and all look-alikes are free.
// They share one key, so one conditional write of one item decides; where a
// deleted link has left a grave, two do.
func (s *Links) Claim(ctx context.Context, l shortener.Link) error {
	if l.Code.Generated() || l.Code == "" {
		return fmt.Errorf("dynamodb: claim alias %q: not an alias; a generated code is put", l.Code)
	}
	return s.db.run(ctx, "claim alias", string(l.Code), 2*s.db.config.Timeout, func(ctx context.Context) error {
		var expected row // nothing
		attempt := rand.Text()
		for tries := 0; ; tries++ {
			l.Version = max(l.Version, expected.Version+1)
			err := s.swap(ctx, expected, s.rowOf(l, attempt))
			var refused *refusal
			switch {
			case !errors.As(err, &refused):
				return err
			case !s.empty(refused.held) && refused.held.Code == l.Code:
				return shortener.ErrTaken
			case !s.empty(refused.held):
				return shortener.ErrLookAlike
			}
			expected = refused.held
			if err := pause(ctx, tries); err != nil {
				return err
			}
		}
	})
}

// Get returns the link, expired or not, or ErrNotFound.
func (s *Links) Get(ctx context.Context, code shortener.Code) (l shortener.Link, err error) {
	err = s.db.run(ctx, "get link", string(code), s.db.config.Timeout, func(ctx context.Context) error {
		r, err := s.live(ctx, code)
		if err == nil {
			l = r.link()
		}
		return err
	})
	return l, err
}

// live reads the item of a code and returns ErrNotFound unless it holds a link
// of exactly that code.
func (s *Links) live(ctx context.Context, code shortener.Code) (r row, err error) {
	found, err := s.db.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: s.db.table, Key: keyItem(keyOf(code)), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return row{}, err
	}
	if err := attributevalue.UnmarshalMap(found.Item, &r); err != nil {
		return row{}, fmt.Errorf("read the item: %w", err)
	}
	if r.Code != code || s.empty(r) {
		return row{}, shortener.ErrNotFound
	}
	return r, nil
}

func keyItem(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{keyName: &types.AttributeValueMemberS{Value: key}}
}
