package catalog_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"designkits/infra/backend"
)

func dynamoClient(t *testing.T, site backend.Site) *dynamodb.Client {
	c := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	t.Cleanup(c.CloseIdleConnections)
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String("http://" + site.Addr("http")), Region: "local", HTTPClient: c,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "tests", SecretAccessKey: "tests"}, nil
		}),
	})
}

func dynamoPut(t *testing.T, c *dynamodb.Client, table string, items int) {
	t.Helper()
	_, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: dynamoKey(i)})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func dynamoKey(i int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: strconv.Itoa(i)}}
}

var dynamoTables = store{
	backend: "dynamodb",
	put: func(t *testing.T, site backend.Site, namespace string) {
		dynamoPut(t, dynamoClient(t, site), namespace+".links", 1)
	},
	held: func(t *testing.T, site backend.Site, namespace string) bool {
		_, err := dynamoClient(t, site).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(namespace + ".links")})
		if gone := (*types.ResourceNotFoundException)(nil); err != nil && !errors.As(err, &gone) {
			t.Fatal(err)
		}
		return err == nil
	},
}

func TestDynamoDBSurvivesAKill(t *testing.T) {
	s := serve(t, "dynamodb")
	s.listensOnLoopbackOnly(t)
	c := dynamoClient(t, s.Site)
	const items = 200
	dynamoPut(t, c, "kept", items)
	s.kill(t)
	for i := range items {
		got, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("kept"), Key: dynamoKey(i)})
		if err != nil || got.Item == nil {
			t.Fatalf("acknowledged item %d is %v, %v after a kill", i, got, err)
		}
	}
	s.stopsInTime(t)
}
