package once

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// attributeFromJSON returns JSON as maps, lists and scalars of DynamoDB, in the form in which SDKs of other
// languages write objects.
func attributeFromJSON(result []byte) (types.AttributeValue, error) {
	d := json.NewDecoder(bytes.NewReader(result))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return attributeOf(v), nil
}

func attributeOf(v any) types.AttributeValue {
	switch v := v.(type) {
	case map[string]any:
		m := make(item, len(v))
		for name, member := range v {
			m[name] = attributeOf(member)
		}
		return &types.AttributeValueMemberM{Value: m}
	case []any:
		l := make([]types.AttributeValue, len(v))
		for i, element := range v {
			l[i] = attributeOf(element)
		}
		return &types.AttributeValueMemberL{Value: l}
	case string:
		return stringAttribute(v)
	case json.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

// jsonFromAttribute is the reverse of attributeFromJSON. Items of other languages may also have sets, which
// become arrays, and bytes, which become base64.
func jsonFromAttribute(v types.AttributeValue) ([]byte, error) {
	plain, err := plainOf(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}

func plainOf(v types.AttributeValue) (any, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		m := make(map[string]any, len(v.Value))
		for name, member := range v.Value {
			var err error
			if m[name], err = plainOf(member); err != nil {
				return nil, err
			}
		}
		return m, nil
	case *types.AttributeValueMemberL:
		l := make([]any, len(v.Value))
		for i, element := range v.Value {
			var err error
			if l[i], err = plainOf(element); err != nil {
				return nil, err
			}
		}
		return l, nil
	case *types.AttributeValueMemberNS:
		numbers := make([]json.Number, len(v.Value))
		for i, n := range v.Value {
			numbers[i] = json.Number(n)
		}
		return numbers, nil
	}
	return scalarOf(v)
}

func scalarOf(v types.AttributeValue) (any, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value, nil
	case *types.AttributeValueMemberN:
		return json.Number(v.Value), nil
	case *types.AttributeValueMemberBOOL:
		return v.Value, nil
	case *types.AttributeValueMemberNULL:
		return nil, nil
	case *types.AttributeValueMemberB:
		return v.Value, nil
	case *types.AttributeValueMemberSS:
		return v.Value, nil
	case *types.AttributeValueMemberBS:
		return v.Value, nil
	}
	return nil, fmt.Errorf("a value of the type %T", v)
}
