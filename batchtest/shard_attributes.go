package batchtest

import (
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"
)

type image = map[string]events.DynamoDBAttributeValue

// asSent returns an image as the service sends it. It panics if it contains what DynamoDB does not
// store.
func asSent(name string, item image) image {
	if item == nil {
		return nil
	}
	return lo.MapValues(item, func(v events.DynamoDBAttributeValue, attribute string) events.DynamoDBAttributeValue {
		return attributeAsSent(name+"."+attribute, v)
	})
}

// attributeAsSent makes nil lists, maps and binary values empty: JSON encodes them as null.
func attributeAsSent(name string, v events.DynamoDBAttributeValue) events.DynamoDBAttributeValue {
	switch v.DataType() {
	case events.DataTypeBinary:
		if v.IsNull() {
			panic(fmt.Sprintf("batchtest: %s: the attribute has no value", name))
		}
		return events.NewBinaryAttribute(notNil(v.Binary()))
	case events.DataTypeList:
		return events.NewListAttribute(lo.Map(v.List(), func(element events.DynamoDBAttributeValue, i int) events.DynamoDBAttributeValue {
			return attributeAsSent(fmt.Sprintf("%s[%d]", name, i), element)
		}))
	case events.DataTypeMap:
		return events.NewMapAttribute(asSent(name, lo.CoalesceMapOrEmpty(v.Map())))
	case events.DataTypeBinarySet:
		requireElements(name, len(v.BinarySet()))
		return events.NewBinarySetAttribute(lo.Map(v.BinarySet(), func(data []byte, _ int) []byte { return notNil(data) }))
	case events.DataTypeStringSet:
		requireElements(name, len(v.StringSet()))
	case events.DataTypeNumberSet:
		requireElements(name, len(v.NumberSet()))
	}
	return v
}

func requireElements(name string, n int) {
	if n == 0 {
		panic(fmt.Sprintf("batchtest: %s: DynamoDB stores no empty sets", name))
	}
}
