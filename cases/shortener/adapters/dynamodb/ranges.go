package dynamodb

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"designkits/cases/shortener/codes"
)

// Ranges is the codes.RangeStore: one item with the next number, moved on by
// atomic additions.
type Ranges struct {
	db  *DB
	key string
}

// Ranges returns the store of code ranges.
func (db *DB) Ranges() *Ranges { return db.counter("codes") }

func (db *DB) counter(name string) *Ranges { return &Ranges{db, counterPrefix + name} }

var _ codes.RangeStore = (*Ranges)(nil)

// A counter is the item.
type counter struct {
	Key         string `dynamodbav:"pk"`
	Next        uint64 `dynamodbav:"next"`
	Fingerprint string `dynamodbav:"key_fingerprint"`
}

// Bind creates the counter with the first key that comes. Repeating it finds
// the same key.
func (s *Ranges) Bind(ctx context.Context, fingerprint string) error {
	return s.db.run(ctx, "bind counter to key", fingerprint, 2*s.db.config.Timeout, func(ctx context.Context) error {
		item, err := attributevalue.MarshalMap(counter{Key: s.key, Fingerprint: fingerprint})
		if err != nil {
			return err
		}
		_, err = s.db.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: s.db.table, Item: item,
			ConditionExpression:                 aws.String("attribute_not_exists(" + keyName + ")"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		var refused *types.ConditionalCheckFailedException
		if !errors.As(err, &refused) {
			return err
		}
		var held counter
		if err := attributevalue.UnmarshalMap(refused.Item, &held); err != nil {
			return fmt.Errorf("read the counter: %w", err)
		}
		if held.Fingerprint != fingerprint {
			return fmt.Errorf("%w (the counter has %s, this key is %s)", codes.ErrOtherKey, held.Fingerprint, fingerprint)
		}
		return nil
	})
}

// Lease moves the counter on. Where an answer is lost and the addition made
// again, the range in between is skipped and never used.
func (s *Ranges) Lease(ctx context.Context, n uint64) (first uint64, err error) {
	if n == 0 || n > codes.Space {
		return 0, fmt.Errorf("dynamodb: lease %d codes: a range has 1 to %d", n, codes.Space)
	}
	err = s.db.run(ctx, "lease codes", s.key, 2*s.db.config.Timeout, func(ctx context.Context) error {
		moved, err := s.db.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: s.db.table, Key: keyItem(s.key),
			UpdateExpression:          aws.String("ADD #next :n"),
			ConditionExpression:       aws.String("attribute_exists(" + keyName + ")"),
			ExpressionAttributeNames:  map[string]string{"#next": "next"},
			ExpressionAttributeValues: map[string]types.AttributeValue{":n": number(int64(n))},
			ReturnValues:              types.ReturnValueUpdatedOld,
		})
		var refused *types.ConditionalCheckFailedException
		switch {
		case errors.As(err, &refused):
			return errors.New("there is no counter: bind it first")
		case err != nil:
			return err
		}
		var before counter
		if err := attributevalue.UnmarshalMap(moved.Attributes, &before); err != nil {
			return fmt.Errorf("read the counter: %w", err)
		}
		first = before.Next
		return nil
	})
	return first, err
}
