package dynamodb

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// One table, three kinds of items. Each request knows the whole key of what it
// wants, so the table has a partition key and no sort key:
//
//	pk              item                       served by
//	link#aB3xY9z    a generated code's link    GetItem: a redirect; PutItem if absent: Put
//	alias#mybank    the link of one alias      GetItem: a redirect; PutItem if absent: Claim
//	                among all that look like
//	                it (shortener.Skeleton)
//	counter#codes   the next free number       UpdateItem ADD: Lease
//
// A deleted link leaves a grave under its key: an item with nothing but the next
// version, collected by TTL after two days.
//
// The index by_owner serves Query owner = ?, newest first: its partition key is
// the attribute owner, its sort key made, the time of creation and the code. Only
// items that have both are in it, so graves and the counter are not. It carries
// the whole link: a page of a listing is one request.
const (
	linkPrefix    = "link#"
	aliasPrefix   = "alias#"
	counterPrefix = "counter#"

	keyName      = "pk"
	ttlAttribute = "ttl"
	ownerIndex   = "by_owner"
)

// createTable makes the table and turns TTL on, where that hasn't been done. A
// process that may do neither can use a table that is there.
func (db *DB) createTable(ctx context.Context) error {
	_, err := db.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: db.table})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		_, err = db.client.CreateTable(ctx, tableOf(db.table))
		var others *types.ResourceInUseException // another replica was faster
		if errors.As(err, &others) {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	active := dynamodb.NewTableExistsWaiter(db.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	if err := active.Wait(ctx, &dynamodb.DescribeTableInput{TableName: db.table}, time.Minute); err != nil {
		return err
	}
	return db.turnOnTTL(ctx)
}

func tableOf(name *string) *dynamodb.CreateTableInput {
	text := types.ScalarAttributeTypeS
	return &dynamodb.CreateTableInput{
		TableName:   name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String(keyName), AttributeType: text},
			{AttributeName: aws.String("owner"), AttributeType: text},
			{AttributeName: aws.String("made"), AttributeType: text},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String(keyName), KeyType: types.KeyTypeHash}},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String(ownerIndex),
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("owner"), KeyType: types.KeyTypeHash},
				{AttributeName: aws.String("made"), KeyType: types.KeyTypeRange},
			},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}},
	}
}

// turnOnTTL does it once. It may not be asked for twice, so where another
// replica was faster the second look tells.
func (db *DB) turnOnTTL(ctx context.Context) error {
	on, err := db.hasTTL(ctx)
	if on || err != nil {
		return err
	}
	_, err = db.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               db.table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(ttlAttribute), Enabled: aws.Bool(true)},
	})
	if err != nil {
		if on, _ := db.hasTTL(ctx); on {
			return nil
		}
	}
	return err
}

func (db *DB) hasTTL(ctx context.Context) (bool, error) {
	ttl, err := db.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: db.table})
	if err != nil {
		return false, err
	}
	status := ttl.TimeToLiveDescription.TimeToLiveStatus
	return status == types.TimeToLiveStatusEnabled || status == types.TimeToLiveStatusEnabling, nil
}
