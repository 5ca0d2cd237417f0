package dynamodbitem

// Which attribute an error is about. The errors of the SDK's decoder do not say.

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// culprit returns the path of the attribute that alone causes the error that the whole item does, like ".lines.1.count",
// and "" if there is none. Only items that fail are decoded again.
func culprit[T any](item map[string]types.AttributeValue, err error) string {
	text := fmt.Sprint(err) // which survives an Error method that panics
	fails := func(v types.AttributeValue) bool {
		item, ok := v.(*types.AttributeValueMemberM)
		return ok && fmt.Sprint(unmarshal(item.Value, new(T))) == text
	}
	return pathTo(&types.AttributeValueMemberM{Value: item}, fails)
}

// pathTo goes down to the deepest attribute that fails with nothing around it. Where an empty list or map fails in the
// same way, none of its attributes is to blame.
func pathTo(v types.AttributeValue, fails func(types.AttributeValue) bool) string {
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
				return "." + name + pathTo(v.Value[name], alone(name))
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
				return "." + strconv.Itoa(i) + pathTo(element, alone)
			}
		}
	}
	return ""
}
