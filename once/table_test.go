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

// table stands in for a table of DynamoDB. It knows the conditions that the store writes, and no others; the end-to-end tests
// run the store against a server.
type table struct {
	mu     sync.Mutex
	items  map[string]item
	silent bool                            // failures do not bring the item along
	before func(ctx context.Context) error // each request, if set: an error is its answer
	after  func(operation string) error    // each success, if set: an error is its answer
}

func newTable() *table { return &table{items: map[string]item{}} }

func id(key item) string { return stringOf(key["id"]) }

// request does one request as a whole, as the service does.
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

func (t *table) failed(old item, wanted types.ReturnValuesOnConditionCheckFailure) error {
	err := &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed")}
	if wanted == types.ReturnValuesOnConditionCheckFailureAllOld && !t.silent {
		err.Item = maps.Clone(old)
	}
	return err
}

// knows panics where a condition is not the one that is meant.
func knows(condition *string, known string) {
	if *condition != known {
		panic("unknown condition: " + *condition)
	}
}

func (t *table) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	knows(in.ConditionExpression, "attribute_not_exists(#id) OR #expiration < :seconds OR "+
		"(#status = :inProgress AND attribute_exists(#until) AND #until < :milliseconds)")
	return &dynamodb.PutItemOutput{}, t.request(ctx, "put", func() error {
		old, exists := t.items[id(in.Item)]
		names, values := in.ExpressionAttributeNames, in.ExpressionAttributeValues
		if exists &&
			!(number(old[names["#expiration"]]) < number(values[":seconds"])) &&
			!(equal(old[names["#status"]], values[":inProgress"]) && old[names["#until"]] != nil && number(old[names["#until"]]) < number(values[":milliseconds"])) {
			return t.failed(old, in.ReturnValuesOnConditionCheckFailure)
		}
		t.items[id(in.Item)] = maps.Clone(in.Item)
		return nil
	})
}

func (t *table) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	knows(in.ConditionExpression, "#owner = :owner AND #status = :inProgress")
	return &dynamodb.UpdateItemOutput{}, t.request(ctx, "update", func() error {
		old := t.items[id(in.Key)]
		if !held(old, in.ExpressionAttributeNames, in.ExpressionAttributeValues) {
			return t.failed(old, in.ReturnValuesOnConditionCheckFailure)
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
	knows(in.ConditionExpression, "#owner = :owner AND #status = :inProgress")
	return &dynamodb.DeleteItemOutput{}, t.request(ctx, "delete", func() error {
		old := t.items[id(in.Key)]
		if !held(old, in.ExpressionAttributeNames, in.ExpressionAttributeValues) {
			return t.failed(old, in.ReturnValuesOnConditionCheckFailure)
		}
		delete(t.items, id(in.Key))
		return nil
	})
}

func (t *table) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if in.ConsistentRead == nil || !*in.ConsistentRead {
		panic("a read that may be old")
	}
	out := &dynamodb.GetItemOutput{}
	return out, t.request(ctx, "get", func() error {
		out.Item = maps.Clone(t.items[id(in.Key)])
		return nil
	})
}

func held(old item, names map[string]string, values item) bool {
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

var errNoAnswer = errors.New("no answer")

// repeating is a table as the SDK's client shows it, which repeats a request without an answer.
type repeating struct{ *table }

func (r repeating) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return again(func() (*dynamodb.PutItemOutput, error) { return r.table.PutItem(ctx, in) })
}

func (r repeating) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return again(func() (*dynamodb.UpdateItemOutput, error) { return r.table.UpdateItem(ctx, in) })
}

func again[O any](request func() (O, error)) (O, error) {
	out, err := request()
	if errors.Is(err, errNoAnswer) {
		return request()
	}
	return out, err
}

// refusingData is a table whose items have no room for a result.
type refusingData struct{ *table }

func (r refusingData) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if in.ExpressionAttributeValues[":data"] != nil {
		return nil, tooLarge{errors.New("Item size to update has exceeded the maximum allowed size")}
	}
	return r.table.UpdateItem(ctx, in, opts...)
}

func stringOf(v types.AttributeValue) string { return v.(*types.AttributeValueMemberS).Value }
