package dynamodbitem

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// failedPath returns the path of the attribute that causes err, such as ".lines.1.count". It returns "" if no
// single attribute does. The SDK's errors do not name the attribute, so the item's attributes are decoded one
// at a time until one of them produces the same error. Items that decode never pay for this.
func failedPath[T any](item map[string]types.AttributeValue, err error) string {
	text := fmt.Sprint(err) // unlike err.Error(), this survives an Error method that panics
	fails := func(v types.AttributeValue) bool {
		item, ok := v.(*types.AttributeValueMemberM)
		return ok && fmt.Sprint(unmarshal(item.Value, new(T))) == text
	}
	return pathIn(&types.AttributeValueMemberM{Value: item}, fails)
}

// pathIn returns the path from v to the deepest attribute that still fails when v has no other. If an empty
// list or map fails in the same way, no attribute in it is to blame.
func pathIn(v types.AttributeValue, fails func(types.AttributeValue) bool) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		alone := func(name string) func(types.AttributeValue) bool {
			return func(v types.AttributeValue) bool {
				return fails(&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{name: v}})
			}
		}
		if fails(&types.AttributeValueMemberM{}) {
			return ""
		}
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			if alone(name)(v.Value[name]) {
				return "." + name + pathIn(v.Value[name], alone(name))
			}
		}
	case *types.AttributeValueMemberL:
		alone := func(v types.AttributeValue) bool {
			return fails(&types.AttributeValueMemberL{Value: []types.AttributeValue{v}})
		}
		if fails(&types.AttributeValueMemberL{}) {
			return ""
		}
		for i, element := range v.Value {
			if alone(element) {
				return "." + strconv.Itoa(i) + pathIn(element, alone)
			}
		}
	}
	return ""
}
