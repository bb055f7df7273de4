package dynamodb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithytime "github.com/aws/smithy-go/time"

	"designkits/cases/shortener"
)

// Update changes a link on condition that its version is still the one read.
func (s *Links) Update(ctx context.Context, code shortener.Code, change func(*shortener.Link) error) (after shortener.Link, err error) {
	var refused error
	err = s.replace(ctx, "update link", code, func(current row) (row, error) {
		before := current.link()
		after = before
		if refused = change(&after); refused != nil {
			return row{}, refused
		}
		after.Code, after.Owner, after.Created, after.Version = before.Code, before.Owner, before.Created, before.Version+1
		return s.rowOf(after, rand.Text()), nil
	})
	switch {
	case refused != nil:
		return shortener.Link{}, refused
	case err != nil:
		return shortener.Link{}, err
	}
	return after, nil
}

// Delete puts a grave in the place of the link. With that the link is out of the
// index of its owner, too.
func (s *Links) Delete(ctx context.Context, code shortener.Code, allowed func(shortener.Link) error) (before shortener.Link, err error) {
	var refused error
	err = s.replace(ctx, "delete link", code, func(current row) (row, error) {
		before = current.link()
		refused = allowed(before)
		return s.graveOf(current, rand.Text()), refused
	})
	switch {
	case refused != nil:
		return shortener.Link{}, refused
	case err != nil:
		return shortener.Link{}, err
	}
	return before, nil
}

// replace puts what change makes of the live item in its place. The change runs
// again when another was faster.
func (s *Links) replace(ctx context.Context, operation string, code shortener.Code, change func(row) (row, error)) error {
	return s.db.run(ctx, operation, string(code), 2*s.db.config.Timeout, func(ctx context.Context) error {
		for tries := 0; ; tries++ {
			current, err := s.live(ctx, code)
			if err != nil {
				return err
			}
			next, err := change(current)
			if err != nil {
				return err
			}
			err = s.swap(ctx, current, next)
			var refused *refusal
			switch {
			case !errors.As(err, &refused):
				return err
			case refused.doubt != nil:
				// Running the change again might make it twice.
				return fmt.Errorf("it may have been made, and the link was changed again since: %w", refused.doubt)
			}
			if err := pause(ctx, tries); err != nil {
				return err
			}
		}
	})
}

// A refusal is a conditional write that was not applied.
type refusal struct {
	held  row   // what stands there; the zero row when nothing does
	doubt error // set when an earlier try may have been applied, and covered since
}

func (*refusal) Error() string { return "another write was faster" }

// swap puts next where its key holds what is expected, by version; the zero row
// is nothing. It repeats itself while the outcome is unknown: by its attempt it
// recognises an item that an earlier try of its own has made and whose answer
// was lost. The SDK's own repetition would take that for another's write.
func (s *Links) swap(ctx context.Context, expected, next row) error {
	item, err := attributevalue.MarshalMap(next)
	if err != nil {
		return err
	}
	put := &dynamodb.PutItemInput{
		TableName: s.db.table, Item: item,
		ConditionExpression:                 aws.String("attribute_not_exists(" + keyName + ")"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if expected.Key != "" {
		put.ConditionExpression = aws.String("#version = :version")
		put.ExpressionAttributeNames = map[string]string{"#version": "version"}
		put.ExpressionAttributeValues = map[string]types.AttributeValue{":version": number(expected.Version)}
	}
	var doubt error
	for tries := 0; ; tries++ {
		_, err := s.db.client.PutItem(ctx, put, once)
		var refused *types.ConditionalCheckFailedException
		switch {
		case err == nil:
			return nil
		case errors.As(err, &refused):
			r := &refusal{doubt: doubt}
			if err := attributevalue.UnmarshalMap(refused.Item, &r.held); err != nil {
				return fmt.Errorf("read the item that stands there: %w", err)
			}
			if r.held.Attempt == next.Attempt {
				return nil
			}
			return r
		case ctx.Err() != nil || !worthAnother(err):
			return err
		case !turnedAway(err):
			doubt = err
		}
		if err := pause(ctx, tries); err != nil {
			return errors.Join(err, doubt)
		}
	}
}

// once leaves repetition to the caller.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// worthAnother reports whether a write that failed like this may succeed when
// repeated: not where DynamoDB has said what is wrong with it.
func worthAnother(err error) bool {
	var said smithy.APIError
	return !errors.As(err, &said) || said.ErrorFault() != smithy.FaultClient || turnedAway(err)
}

// turnedAway reports whether a write was refused for the load alone. It has
// certainly not been applied.
func turnedAway(err error) bool {
	var said smithy.APIError
	if !errors.As(err, &said) {
		return false
	}
	switch said.ErrorCode() {
	case "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException":
		return true
	}
	return false
}

// pause waits a random moment that grows with the tries, up to 100 ms, so that
// writers that met once don't meet again.
func pause(ctx context.Context, tries int) error {
	longest := min(100*time.Millisecond, 2*time.Millisecond<<min(tries, 6))
	return smithytime.SleepWithContext(ctx, mathrand.N(longest))
}
