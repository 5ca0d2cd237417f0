package once_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type item = map[string]types.AttributeValue

// A table is a fake of a DynamoDB table. It supports only the conditions that the store writes. The end-to-end
// tests run the store against a server.
type table struct {
	mu       sync.Mutex
	items    map[string]item
	omitItem bool                            // failures do not contain the item, as with some servers
	before   func(ctx context.Context) error // called before each request; an error prevents it
	after    func(operation string) error    // called after each success; an error replaces the response
}

func newTable() *table { return &table{items: map[string]item{}} }

func id(key item) string { return stringOf(key["id"]) }

// request executes a request atomically, as the service does.
func (t *table) request(ctx context.Context, operation string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.before != nil {
		if err := t.before(ctx); err != nil {
			return err
		}
	}
	t.mu.Lock()
	err := do()
	t.mu.Unlock()
	if err == nil && t.after != nil {
		err = t.after(operation)
	}
	return err
}

func (t *table) conditionFailed(old item, wanted types.ReturnValuesOnConditionCheckFailure) error {
	err := &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
	if wanted == types.ReturnValuesOnConditionCheckFailureAllOld && !t.omitItem {
		err.Item = maps.Clone(old)
	}
	return err
}

// expectCondition panics if the condition is not the one that the fake implements.
func expectCondition(condition *string, implemented string) {
	if *condition != implemented {
		panic("unknown condition: " + *condition)
	}
}

func (t *table) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	expectCondition(in.ConditionExpression, "attribute_not_exists(#id) OR #expiration < :seconds OR "+
		"(#status = :inProgress AND attribute_exists(#until) AND #until < :milliseconds)")
	return &dynamodb.PutItemOutput{}, t.request(ctx, "put", func() error {
		old, exists := t.items[id(in.Item)]
		names, values := in.ExpressionAttributeNames, in.ExpressionAttributeValues
		if exists &&
			!(number(old[names["#expiration"]]) < number(values[":seconds"])) &&
			!(equal(old[names["#status"]], values[":inProgress"]) && old[names["#until"]] != nil && number(old[names["#until"]]) < number(values[":milliseconds"])) {
			return t.conditionFailed(old, in.ReturnValuesOnConditionCheckFailure)
		}
		t.items[id(in.Item)] = maps.Clone(in.Item)
		return nil
	})
}

func (t *table) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	expectCondition(in.ConditionExpression, "#owner = :owner AND #status = :inProgress")
	return &dynamodb.UpdateItemOutput{}, t.request(ctx, "update", func() error {
		old := t.items[id(in.Key)]
		if !ownsClaim(old, in.ExpressionAttributeNames, in.ExpressionAttributeValues) {
			return t.conditionFailed(old, in.ReturnValuesOnConditionCheckFailure)
		}
		updated := maps.Clone(old)
		for assignment := range strings.SplitSeq(strings.TrimPrefix(*in.UpdateExpression, "SET "), ", ") {
			name, value, _ := strings.Cut(assignment, " = ")
			updated[in.ExpressionAttributeNames[name]] = in.ExpressionAttributeValues[value]
		}
		t.items[id(in.Key)] = updated
		return nil
	})
}

func (t *table) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	expectCondition(in.ConditionExpression, "#owner = :owner AND #status = :inProgress")
	return &dynamodb.DeleteItemOutput{}, t.request(ctx, "delete", func() error {
		old := t.items[id(in.Key)]
		if !ownsClaim(old, in.ExpressionAttributeNames, in.ExpressionAttributeValues) {
			return t.conditionFailed(old, in.ReturnValuesOnConditionCheckFailure)
		}
		delete(t.items, id(in.Key))
		return nil
	})
}

func (t *table) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if in.ConsistentRead == nil || !*in.ConsistentRead {
		panic("a read that is not consistent")
	}
	out := &dynamodb.GetItemOutput{}
	return out, t.request(ctx, "get", func() error {
		out.Item = maps.Clone(t.items[id(in.Key)])
		return nil
	})
}

func ownsClaim(old item, names map[string]string, values item) bool {
	return equal(old[names["#owner"]], values[":owner"]) && equal(old[names["#status"]], values[":inProgress"])
}

func equal(a, b types.AttributeValue) bool { return a != nil && reflect.DeepEqual(a, b) }

func number(v types.AttributeValue) float64 {
	f, err := strconv.ParseFloat(v.(*types.AttributeValueMemberN).Value, 64)
	if err != nil {
		panic(err)
	}
	return f
}

var errNoResponse = errors.New("no response")

// A retryingTable repeats a request without a response, as the SDK does.
type retryingTable struct{ *table }

func (r retryingTable) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return retry(func() (*dynamodb.PutItemOutput, error) { return r.table.PutItem(ctx, in) })
}

func (r retryingTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return retry(func() (*dynamodb.UpdateItemOutput, error) { return r.table.UpdateItem(ctx, in) })
}

func retry[O any](request func() (O, error)) (O, error) {
	out, err := request()
	if errors.Is(err, errNoResponse) {
		return request()
	}
	return out, err
}

// A resultRefusingTable accepts no result, as if every result were too large.
type resultRefusingTable struct{ *table }

func (r resultRefusingTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if in.ExpressionAttributeValues[":data"] != nil {
		return nil, tooLarge{errors.New("Item size to update has exceeded the maximum allowed size")}
	}
	return r.table.UpdateItem(ctx, in, opts...)
}

func stringOf(v types.AttributeValue) string { return v.(*types.AttributeValueMemberS).Value }
