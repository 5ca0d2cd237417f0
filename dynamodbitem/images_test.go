package dynamodbitem_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/dynamodbitem"
	"github.com/matryer/is"
)

type item = map[string]events.DynamoDBAttributeValue

type order struct {
	ID    string `dynamodbav:"id"`
	Total int    `dynamodbav:"total"`
}

func record(event, view string, before, after item) events.DynamoDBEventRecord {
	return events.DynamoDBEventRecord{
		EventName: event,
		Change: events.DynamoDBStreamRecord{
			Keys:           item{"id": events.NewStringAttribute("o-1")},
			OldImage:       before,
			NewImage:       after,
			SequenceNumber: "111",
			StreamViewType: view,
		},
	}
}

func orderItem(total string) item {
	return item{"id": events.NewStringAttribute("o-1"), "total": events.NewNumberAttribute(total)}
}

func TestEachFunctionReadsItsOwnPartOfTheRecord(t *testing.T) {
	is := is.New(t)
	r := record("MODIFY", "NEW_AND_OLD_IMAGES", orderItem("1"), orderItem("2"))

	after, err := dynamodbitem.NewImage[order](t.Context(), r)
	is.NoErr(err)
	is.Equal(after, order{ID: "o-1", Total: 2})

	before, err := dynamodbitem.OldImage[order](t.Context(), r)
	is.NoErr(err)
	is.Equal(before, order{ID: "o-1", Total: 1})

	key, err := dynamodbitem.Keys[order](t.Context(), r)
	is.NoErr(err)
	is.Equal(key, order{ID: "o-1"})

	change, err := dynamodbitem.Change[order](t.Context(), r)
	is.NoErr(err)
	is.Equal(*change.Old, before)
	is.Equal(*change.New, after)
}

func TestAMissingImageIsATypedErrorThatHasTheRecord(t *testing.T) {
	removed := record("REMOVE", "NEW_AND_OLD_IMAGES", orderItem("1"), nil)
	keysOnly := record("MODIFY", "KEYS_ONLY", nil, nil)
	var bare events.DynamoDBEventRecord

	for name, c := range map[string]struct {
		call   func() error
		image  string
		view   string
		record string
	}{
		"new image of a REMOVE": {call: func() error {
			_, err := dynamodbitem.NewImage[order](t.Context(), removed)
			return err
		}, image: "NewImage", view: "NEW_AND_OLD_IMAGES", record: "111"},
		"old image of a KEYS_ONLY stream": {call: func() error {
			_, err := dynamodbitem.OldImage[order](t.Context(), keysOnly)
			return err
		}, image: "OldImage", view: "KEYS_ONLY", record: "111"},
		"change of a KEYS_ONLY stream": {call: func() error {
			_, err := dynamodbitem.Change[order](t.Context(), keysOnly)
			return err
		}, image: "OldImage", view: "KEYS_ONLY", record: "111"},
		"keys of an empty record": {call: func() error {
			_, err := dynamodbitem.Keys[order](t.Context(), bare)
			return err
		}, image: "Keys"},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			err := c.call()
			var missing *dynamodbitem.MissingImageError
			is.True(errors.As(err, &missing))
			is.Equal(missing.Image, c.image)
			is.Equal(missing.StreamViewType, c.view)
			is.Equal(missing.SequenceNumber, c.record)
			is.True(strings.HasPrefix(err.Error(), "no "+c.image+" "))
			poison, ok := errors.AsType[*batch.DecodeError](err)
			is.True(ok)
			is.Equal(poison.ID, c.record)
		})
	}
}

func TestChangeLeavesOutOnlyTheImageThatTheEventCannotHave(t *testing.T) {
	one, two := orderItem("1"), orderItem("2")
	for name, c := range map[string]struct {
		record  events.DynamoDBEventRecord
		old     bool
		new     bool
		missing string
	}{
		"INSERT":                        {record: record("INSERT", "NEW_AND_OLD_IMAGES", nil, two), new: true},
		"REMOVE":                        {record: record("REMOVE", "NEW_AND_OLD_IMAGES", one, nil), old: true},
		"MODIFY":                        {record: record("MODIFY", "NEW_AND_OLD_IMAGES", one, two), old: true, new: true},
		"INSERT on a NEW_IMAGE stream":  {record: record("INSERT", "NEW_IMAGE", nil, two), new: true},
		"REMOVE on an OLD_IMAGE stream": {record: record("REMOVE", "OLD_IMAGE", one, nil), old: true},
		"MODIFY on a NEW_IMAGE stream":  {record: record("MODIFY", "NEW_IMAGE", nil, two), missing: "OldImage"},
		"MODIFY on an OLD_IMAGE stream": {record: record("MODIFY", "OLD_IMAGE", one, nil), missing: "NewImage"},
		"REMOVE on a NEW_IMAGE stream":  {record: record("REMOVE", "NEW_IMAGE", nil, nil), missing: "OldImage"},
		"INSERT on an OLD_IMAGE stream": {record: record("INSERT", "OLD_IMAGE", nil, nil), missing: "NewImage"},
		"an unknown event":              {record: record("", "", nil, two), missing: "OldImage"},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			got, err := dynamodbitem.Change[order](t.Context(), c.record)
			is.Equal(got.Old != nil, c.old)
			is.Equal(got.New != nil, c.new)
			var missing *dynamodbitem.MissingImageError
			if errors.As(err, &missing) {
				is.Equal(missing.Image, c.missing)
				return
			}
			is.NoErr(err)
			is.Equal(c.missing, "")
		})
	}
}

func TestAnAttributeOfAnotherTypeFailsTheRecordAndIsNamed(t *testing.T) {
	is := is.New(t)
	r := record("INSERT", "NEW_IMAGE", nil, item{
		"id":    events.NewStringAttribute("o-1"),
		"total": events.NewStringAttribute("many"),
	})
	got, err := dynamodbitem.NewImage[order](t.Context(), r)
	var mismatch *attributevalue.UnmarshalTypeError
	is.True(errors.As(err, &mismatch))
	poison, ok := errors.AsType[*batch.DecodeError](err)
	is.True(ok)
	is.Equal(poison.Field, "dynamodb.NewImage.total")
	is.Equal(err.Error(), "dynamodb.NewImage.total: unmarshal failed, cannot unmarshal string into Go value type int")
	is.Equal(got, order{}) // not half filled

	_, err = dynamodbitem.Change[order](t.Context(), r)
	is.True(errors.As(err, &mismatch))
	_, err = dynamodbitem.Change[order](t.Context(), record("REMOVE", "OLD_IMAGE", r.Change.NewImage, nil))
	is.True(errors.As(err, &mismatch))
}

func TestAPanicInTheDecoderFailsTheRecord(t *testing.T) {
	is := is.New(t)
	type parcel struct{ ID [16]byte }
	r := record("INSERT", "NEW_IMAGE", nil, item{"ID": events.NewBinaryAttribute(make([]byte, 15))})
	_, err := dynamodbitem.NewImage[parcel](t.Context(), r)
	var panicked *batch.PanicError
	is.True(errors.As(err, &panicked))
	is.True(len(panicked.Stack) > 0)
	is.True(strings.HasPrefix(err.Error(), `dynamodb.NewImage.ID: panic: `))
}

// explosive panics when it is decoded from anything but null.
type explosive struct{}

func (*explosive) UnmarshalDynamoDBAttributeValue(types.AttributeValue) error { panic("boom") }

func TestAPanicInACustomUnmarshalerFailsTheRecord(t *testing.T) {
	is := is.New(t)
	r := record("INSERT", "NEW_IMAGE", nil, orderItem("1"))
	_, err := dynamodbitem.NewImage[explosive](t.Context(), r)
	var panicked *batch.PanicError
	is.True(errors.As(err, &panicked))
	is.Equal(panicked.Value, "boom")
	is.Equal(err.Error(), "dynamodb.NewImage: panic: boom") // no attribute is to blame
}

func TestRealEventsAreDecodedAsTheyWereWritten(t *testing.T) {
	is := is.New(t)
	type person struct {
		Name string
		Age  int
	}
	type everything struct {
		Key            string `dynamodbav:"key"`
		Binary         []byte
		Boolean        bool
		BinarySet      [][]byte
		List           []any
		Map            person
		FloatNumber    float64
		IntegerNumber  int
		NumberSet      []attributevalue.Number
		Null           *string
		String         string
		StringSet      []string
		EmptyStringSet []string
		Absent         *int
	}
	blob := []byte{0, 1, 42, 65}

	records := testdata(t, "dynamodb-event.json")
	got, err := dynamodbitem.NewImage[everything](t.Context(), records[1])
	is.NoErr(err)
	is.Equal(got, everything{
		Key:            "binary",
		Binary:         blob,
		Boolean:        true,
		BinarySet:      [][]byte{blob, blob},
		List:           []any{"Cookies", "Coffee", 3.14159},
		Map:            person{Name: "Joe", Age: 35},
		FloatNumber:    123.45,
		IntegerNumber:  123,
		NumberSet:      []attributevalue.Number{"1234", "567.8"},
		String:         "Hello",
		StringSet:      []string{"Giraffe", "Zebra"},
		EmptyStringSet: []string{},
	})

	for _, r := range records {
		keys, err := dynamodbitem.Keys[map[string]string](t.Context(), r)
		is.NoErr(err)
		is.Equal(keys, map[string]string{"key": "binary", "val": "data"})

		change, err := dynamodbitem.Change[map[string]any](t.Context(), r)
		is.NoErr(err)
		is.True(change.Old == nil) // both are INSERTs
		is.Equal((*change.New)["val"], "data")
	}
}

// testdata reads one of the events that aws-lambda-go ships.
func testdata(t *testing.T, name string) []events.DynamoDBEventRecord {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var event events.DynamoDBEvent
	if err := json.Unmarshal(data, &event); err != nil {
		t.Fatal(err)
	}
	return event.Records
}
