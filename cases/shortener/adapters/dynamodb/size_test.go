package dynamodb

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"designkits/cases/shortener"
)

// The sheet's price hangs on the size of an item. This is AWS's published rule
// for it ("DynamoDB item sizes and formats"): names, strings by their bytes,
// numbers by one byte for two digits and one more.
func TestAnItemIsAsLargeAsTheSheetSays(t *testing.T) {
	links := &Links{&DB{config: Config{}.withDefaults()}}
	l := shortener.Link{
		Code: "aB3xY9z", Target: strings.Repeat("x", 120), Owner: shortener.Owner(strings.Repeat("o", 20)),
		Created: time.UnixMilli(1767225600123).UTC(), Version: 1767225600123,
	}
	item, err := attributevalue.MarshalMap(links.rowOf(l, strings.Repeat("a", 26)))
	if err != nil {
		t.Fatal(err)
	}
	const sheet = 265
	size := 0
	for name, value := range item {
		size += len(name)
		switch v := value.(type) {
		case *types.AttributeValueMemberS:
			size += len(v.Value)
		case *types.AttributeValueMemberN:
			size += (len(v.Value)+1)/2 + 1
		default:
			t.Fatalf("%s is a %T", name, v)
		}
	}
	if size < sheet-10 || size > sheet+10 {
		t.Errorf("an item takes %d B, the sheet counts %d", size, sheet)
	}
}
