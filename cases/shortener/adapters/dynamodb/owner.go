package dynamodb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"designkits/cases/shortener"
)

// ByOwner walks the owner's part of the index from its newest link. It is as
// fresh as the index: see the package comment.
func (s *Links) ByOwner(ctx context.Context, owner shortener.Owner, cursor string, limit int) (links []shortener.Link, next string, err error) {
	if limit < 1 {
		return nil, "", fmt.Errorf("dynamodb: list links of %q: a page of %d links can't be", owner, limit)
	}
	var from map[string]types.AttributeValue // the newest
	if cursor != "" {
		place, err := shortener.ParseCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		from = entry(owner, place)
	}
	err = s.db.run(ctx, "list links", string(owner), 2*s.db.config.Timeout, func(ctx context.Context) error {
		// One more than a page tells whether there is a next one.
		for len(links) <= limit {
			page, err := s.query(ctx, owner, from, limit+1-len(links))
			if err != nil {
				return err
			}
			var rows []row
			if err := attributevalue.UnmarshalListOfMaps(page.Items, &rows); err != nil {
				return fmt.Errorf("read the items: %w", err)
			}
			for _, r := range rows {
				if !s.empty(r) {
					links = append(links, r.link())
				}
			}
			if from = page.LastEvaluatedKey; from == nil {
				break
			}
		}
		if len(links) > limit {
			links = links[:limit]
			last := links[limit-1]
			next = shortener.Place{Created: last.Created, Code: last.Code}.Cursor()
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return links, next, nil
}

func (s *Links) query(ctx context.Context, owner shortener.Owner, from map[string]types.AttributeValue, want int) (*dynamodb.QueryOutput, error) {
	return s.db.client.Query(ctx, &dynamodb.QueryInput{
		TableName: s.db.table, IndexName: aws.String(ownerIndex), ScanIndexForward: aws.Bool(false),
		KeyConditionExpression:    aws.String("#owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": "owner"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":owner": &types.AttributeValueMemberS{Value: string(owner)}},
		ExclusiveStartKey:         from,
		Limit:                     aws.Int32(int32(max(want, 16))), // not one by one where many are over
	})
}

// entry is a place in the index as DynamoDB names it. Nothing need be there.
func entry(owner shortener.Owner, p shortener.Place) map[string]types.AttributeValue {
	key := keyItem(keyOf(p.Code))
	key["owner"] = &types.AttributeValueMemberS{Value: string(owner)}
	key["made"] = &types.AttributeValueMemberS{Value: madeOf(p)}
	return key
}
