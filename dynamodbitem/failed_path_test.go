package dynamodbitem_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/lambdabatch/batch/dynamodbitem"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestAnErrorNamesTheFailingAttributeHoweverDeeplyItIsNested(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := baskets().Draw(t, "basket")
		b.Lines = append(b.Lines, line{SKU: "one more"})
		if b.ByName == nil {
			b.ByName = map[string]line{}
		}
		b.ByName["one more"] = line{}
		image := written(t, b)
		wrong, count := events.NewStringAttribute("many"), item{"Count": events.NewStringAttribute("many")}
		var want string
		switch rapid.IntRange(0, 4).Draw(t, "place") {
		case 0:
			want, image["Total"] = "Total", wrong
		case 1:
			i := rapid.IntRange(0, len(b.Lines)-1).Draw(t, "line")
			lines := slices.Clone(image["Lines"].List())
			lines[i] = events.NewMapAttribute(count)
			want, image["Lines"] = "Lines."+strconv.Itoa(i)+".Count", events.NewListAttribute(lines)
		case 2:
			image["ByName"].Map()["one more"] = events.NewMapAttribute(count)
			want = "ByName.one more.Count"
		case 3:
			want, image["Nested"] = "Nested.Count", events.NewMapAttribute(count)
		case 4:
			want, image["Lines"] = "Lines", wrong
		}
		_, err := dynamodbitem.OldImage[basket](t.Context(), record("REMOVE", "OLD_IMAGE", image, nil))
		if err == nil || !strings.HasPrefix(err.Error(), "dynamodb.OldImage."+want+": unmarshal failed") {
			t.Fatalf("%v does not name %s", err, want)
		}
	})
}

// An address without a zip does not decode.
type address struct{ Street, Zip string }

var errZip = errors.New("no zip")

func (a *address) UnmarshalDynamoDBAttributeValue(v types.AttributeValue) error {
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok || m.Value["zip"] == nil {
		return errZip
	}
	return nil
}

func TestAnAttributeIsNotBlamedForAMissingNeighbour(t *testing.T) {
	is := is.New(t)
	street := item{"street": events.NewStringAttribute("s"), "town": events.NewStringAttribute("t")}
	r := record("INSERT", "NEW_IMAGE", nil, item{"home": events.NewMapAttribute(street), "id": events.NewStringAttribute("o-1")})
	_, err := dynamodbitem.NewImage[struct{ Home address }](t.Context(), r)
	is.Equal(err.Error(), "dynamodb.NewImage.home: no zip")
	is.True(errors.Is(err, errZip))
	_, err = dynamodbitem.NewImage[address](t.Context(), r)
	is.Equal(err.Error(), "dynamodb.NewImage: no zip")
}

// A tantrum is an error whose Error method panics.
type tantrum struct{}

func (tantrum) Error() string                                               { panic("no words") }
func (*tantrum) UnmarshalDynamoDBAttributeValue(types.AttributeValue) error { return tantrum{} }

func TestAnErrorWhoseTextPanicsFailsItsRecordAlone(t *testing.T) {
	is := is.New(t)
	r := record("INSERT", "NEW_IMAGE", nil, orderItem("1"))
	_, err := dynamodbitem.NewImage[struct{ Total tantrum }](t.Context(), r)
	is.True(errors.As(err, new(tantrum)))
}
