package dynamodbitem

// Decoding takes two steps: from the event's attributes to the SDK's, and from those to a Go value.

import (
	"fmt"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/lambdabatch/batch"
)

type eventItem = map[string]events.DynamoDBAttributeValue

func decode[T any](r *events.DynamoDBEventRecord, name string, item eventItem) (T, error) {
	var value, zero T
	if item == nil {
		return zero, &batch.DecodeError{ID: r.Change.SequenceNumber, Err: &MissingImageError{
			Image:          name,
			EventName:      r.EventName,
			StreamViewType: r.Change.StreamViewType,
			SequenceNumber: r.Change.SequenceNumber,
		}}
	}
	attributes := sdkItem(item)
	if err := unmarshal(attributes, &value); err != nil {
		field := "dynamodb." + name + failedPath[T](attributes, err)
		return zero, &batch.DecodeError{ID: r.Change.SequenceNumber, Field: field, Err: err}
	}
	return value, nil
}

func unmarshal(attributes map[string]types.AttributeValue, out any) (err error) {
	if raw, ok := out.(*map[string]types.AttributeValue); ok {
		*raw = attributes // the SDK's decoder cannot fill interfaces with methods
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = &batch.PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return attributevalue.UnmarshalMap(attributes, out)
}

// sdkValue switches on the type because an accessor panics on values of any other type. The zero value becomes
// a null; no event carries one.
func sdkValue(v events.DynamoDBAttributeValue) types.AttributeValue {
	if v.IsNull() {
		return &types.AttributeValueMemberNULL{Value: true}
	}
	switch v.DataType() {
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}
	case events.DataTypeBinarySet:
		return &types.AttributeValueMemberBS{Value: v.BinarySet()}
	case events.DataTypeList:
		return &types.AttributeValueMemberL{Value: sdkList(v.List())}
	case events.DataTypeMap:
		return &types.AttributeValueMemberM{Value: sdkItem(v.Map())}
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}
	case events.DataTypeNumberSet:
		return &types.AttributeValueMemberNS{Value: v.NumberSet()}
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: v.String()}
	case events.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: v.StringSet()}
	default:
		return &types.UnknownUnionMember{Tag: fmt.Sprint(v.DataType())}
	}
}

func sdkList(list []events.DynamoDBAttributeValue) []types.AttributeValue {
	out := make([]types.AttributeValue, len(list))
	for i, v := range list {
		out[i] = sdkValue(v)
	}
	return out
}

func sdkItem(item eventItem) map[string]types.AttributeValue {
	out := make(map[string]types.AttributeValue, len(item))
	for name, v := range item {
		out[name] = sdkValue(v)
	}
	return out
}
