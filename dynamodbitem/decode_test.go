package dynamodbitem_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/lambdabatch/batch/dynamodbitem"
	"pgregory.net/rapid"
)

var (
	numbers  = rapid.StringMatching(`-?[1-9][0-9]{0,15}(\.[0-9]{1,4})?`)
	names    = rapid.StringN(1, 6, -1)
	binaries = rapid.SliceOfN(rapid.Byte(), 0, 8)
)

// attributes draws values of every type. Lists and maps are nested down to the given depth.
func attributes(depth int) *rapid.Generator[events.DynamoDBAttributeValue] {
	kinds := []*rapid.Generator[events.DynamoDBAttributeValue]{
		rapid.Map(rapid.String(), events.NewStringAttribute),
		rapid.Map(numbers, events.NewNumberAttribute),
		rapid.Map(binaries, events.NewBinaryAttribute),
		rapid.Map(rapid.Bool(), events.NewBooleanAttribute),
		rapid.Just(events.NewNullAttribute()),
		rapid.Map(rapid.SliceOfN(rapid.String(), 0, 3), events.NewStringSetAttribute),
		rapid.Map(rapid.SliceOfN(numbers, 0, 3), events.NewNumberSetAttribute),
		rapid.Map(rapid.SliceOfN(binaries, 0, 3), events.NewBinarySetAttribute),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(attributes(depth-1), 0, 3), events.NewListAttribute),
			rapid.Map(items(depth-1), events.NewMapAttribute))
	}
	return rapid.OneOf(kinds...)
}

func items(depth int) *rapid.Generator[item] {
	return rapid.MapOfN(names, attributes(depth), 0, 4)
}

func TestEveryItemConvertsAsItsJSONDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		image := items(3).Draw(t, "image")
		text, err := json.Marshal(image)
		if err != nil {
			t.Fatal(err)
		}
		want, err := attributevalue.UnmarshalMapJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := dynamodbitem.NewImage[map[string]types.AttributeValue](t.Context(), record("INSERT", "NEW_IMAGE", nil, image))
		if err != nil {
			t.Fatal(err)
		}
		if g, w := untyped(t, got), untyped(t, want); !reflect.DeepEqual(g, w) {
			t.Fatalf("got\n%v\nwant\n%v", g, w)
		}
	})
}

// untyped returns an item as DynamoDB's JSON. There, as in DynamoDB, nil and empty slices are the same.
func untyped(t *rapid.T, m map[string]types.AttributeValue) (out any) {
	t.Helper()
	text, err := attributevalue.MarshalMapJSON(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

type line struct {
	SKU   string
	Count int
	Price float64
	Notes []string `dynamodbav:",stringset,omitempty"`
}

type basket struct {
	ID     string `dynamodbav:"id"`
	Paid   bool
	Total  int64
	Digest []byte
	Seals  [][]byte              `dynamodbav:",omitempty"`
	Scores []int                 `dynamodbav:",numberset,omitempty"`
	Exact  attributevalue.Number `dynamodbav:",omitempty"`
	Lines  []line
	ByName map[string]line
	Coupon *string
	Nested *line
	Tags   map[string][]string
}

func baskets() *rapid.Generator[basket] {
	lines := rapid.Custom(func(t *rapid.T) line {
		return line{
			SKU:   rapid.String().Draw(t, "sku"),
			Count: rapid.Int().Draw(t, "count"),
			Price: rapid.Float64Range(-1e9, 1e9).Draw(t, "price"),
			Notes: setOf(rapid.String()).Draw(t, "notes"),
		}
	})
	return rapid.Custom(func(t *rapid.T) basket {
		return basket{
			ID:     rapid.StringN(1, 10, -1).Draw(t, "id"),
			Paid:   rapid.Bool().Draw(t, "paid"),
			Total:  rapid.Int64().Draw(t, "total"),
			Digest: binaries.Draw(t, "digest"),
			Seals:  setOf(binaries).Draw(t, "seals"),
			Scores: setOf(rapid.Int()).Draw(t, "scores"),
			Exact:  attributevalue.Number(numbers.Draw(t, "exact")),
			Lines:  rapid.SliceOfN(lines, 0, 3).Draw(t, "lines"),
			ByName: rapid.MapOfN(names, lines, 0, 3).Draw(t, "by name"),
			Coupon: rapid.Ptr(rapid.String(), true).Draw(t, "coupon"),
			Nested: rapid.Ptr(lines, true).Draw(t, "nested"),
			Tags:   rapid.MapOfN(names, rapid.SliceOfN(rapid.String(), 0, 2), 0, 2).Draw(t, "tags"),
		}
	})
}

// setOf draws sets. DynamoDB has no empty sets, so it draws nil instead.
func setOf[E any](elements *rapid.Generator[E]) *rapid.Generator[[]E] {
	return rapid.OneOf(rapid.Just([]E(nil)), rapid.SliceOfN(elements, 1, 3))
}

func TestItemsWrittenByTheSDKAreReadUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := baskets().Draw(t, "before"), baskets().Draw(t, "after")
		r := record("MODIFY", "NEW_AND_OLD_IMAGES", written(t, before), written(t, after))

		got, err := dynamodbitem.Change[basket](t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		sameBasket(t, *got.Old, before)
		sameBasket(t, *got.New, after)

		alone, err := dynamodbitem.NewImage[*basket](t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		sameBasket(t, *alone, after)
	})
}

// written returns b as an event's image: encoded by the SDK, then read by the event's own types.
func written(t *rapid.T, b basket) item {
	t.Helper()
	m, err := attributevalue.MarshalMap(b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := attributevalue.MarshalMapJSON(m)
	if err != nil {
		t.Fatal(err)
	}
	var image item
	if err := json.Unmarshal(text, &image); err != nil {
		t.Fatal(err)
	}
	return image
}

func sameBasket(t *rapid.T, got, want basket) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got\n%#v\nwant\n%#v", got, want)
	}
}

func TestNoAttributePanicsWhateverTheType(t *testing.T) {
	kinds := map[string]func(*rapid.T, events.DynamoDBEventRecord) error{
		"any":       decodes[any],
		"struct":    decodes[struct{ A fmt.Stringer }],
		"basket":    decodes[basket],
		"array":     decodes[map[string][2]byte],
		"interface": decodes[map[string]fmt.Stringer],
		"func":      decodes[map[string]func()],
		"keys":      decodes[map[int]string],
		"pointer":   decodes[**map[string]*[]string],
		"raw":       decodes[map[string]types.AttributeValue],
		"number":    decodes[int],
	}
	zeros := rapid.SampledFrom([]events.DynamoDBAttributeValue{
		{},
		events.NewListAttribute([]events.DynamoDBAttributeValue{{}, {}}),
		events.NewMapAttribute(item{"a": {}}),
		events.NewBinaryAttribute(nil),
		events.NewBinarySetAttribute([][]byte{nil}),
		events.NewStringSetAttribute(nil),
		events.NewNumberAttribute("not a number"),
		events.NewNumberAttribute(""),
		events.NewNumberSetAttribute([]string{""}),
		events.NewListAttribute(nil),
		events.NewMapAttribute(nil),
	})
	rapid.Check(t, func(t *rapid.T) {
		image := rapid.MapOfN(rapid.SampledFrom([]string{"A", "id", "Lines", "Digest", "Nested"}),
			rapid.OneOf(zeros, attributes(2)), 0, 4).Draw(t, "image")
		for name, decodes := range kinds {
			err := decodes(t, record("INSERT", "NEW_IMAGE", nil, image))
			if name == "raw" && err != nil {
				t.Fatal(err) // the SDK's own form can hold every value
			}
		}
	})
}

func decodes[T any](t *rapid.T, r events.DynamoDBEventRecord) error {
	_, err := dynamodbitem.NewImage[T](t.Context(), r)
	return err
}
