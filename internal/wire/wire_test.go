package wire

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
)

// testdata returns an event that comes with aws-lambda-go.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unmarshal[E any](t testing.TB, payload []byte) (event E) {
	t.Helper()
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func TestEventsDecodeAsEncodingJSONDecodesThem(t *testing.T) {
	t.Run("SQS", func(t *testing.T) {
		is := is.New(t)
		payload := testdata(t, "sqs-event.json")
		b, err := SQS(payload)
		is.NoErr(err)
		is.Equal(len(b.Bad), 0)
		is.True(reflect.DeepEqual(b.Records, unmarshal[events.SQSEvent](t, payload).Records))
	})
	t.Run("Kinesis", func(t *testing.T) {
		is := is.New(t)
		payload := testdata(t, "kinesis-event.json")
		b, err := Kinesis(payload)
		is.NoErr(err)
		is.Equal(len(b.Bad), 0)
		is.True(reflect.DeepEqual(b.Records, unmarshal[events.KinesisEvent](t, payload).Records))
	})
	t.Run("DynamoDB", func(t *testing.T) {
		is := is.New(t)
		payload := testdata(t, "dynamodb-event.json")
		b, err := DynamoDB(payload)
		is.NoErr(err)
		is.Equal(len(b.Bad), 0)
		is.True(reflect.DeepEqual(b.Records, unmarshal[events.DynamoDBEvent](t, payload).Records))
	})
	t.Run("Kafka", func(t *testing.T) {
		is := is.New(t)
		payload := testdata(t, "kafka-event.json")
		b, err := Kafka(payload)
		is.NoErr(err)
		is.Equal(len(b.Bad), 0)
		want := unmarshal[events.KafkaEvent](t, payload).Records["AWSKafkaTopic-0"]
		is.True(reflect.DeepEqual(b.Records, []KafkaRecord{{"AWSKafkaTopic-0", want[0]}}))
	})
	t.Run("Firehose", func(t *testing.T) {
		is := is.New(t)
		payload := testdata(t, "kinesis-firehose-event.json")
		b, err := Firehose(payload)
		is.NoErr(err)
		is.Equal(len(b.Bad), 0)
		is.True(reflect.DeepEqual(b.Records, unmarshal[events.KinesisFirehoseEvent](t, payload).Records))
	})
	t.Run("windows", func(t *testing.T) {
		is := is.New(t)
		payload := testdata(t, "kinesis-time-window-event.json")
		b, w, err := KinesisWindow(payload)
		is.NoErr(err)
		want := unmarshal[events.KinesisTimeWindowEvent](t, payload)
		is.True(reflect.DeepEqual(b.Records, want.Records))
		is.True(w.Start.Equal(want.Window.Start.Time))
		is.True(w.End.Equal(want.Window.End.Time))
		is.Equal(w.ShardID, want.ShardID)
		is.True(reflect.DeepEqual(unmarshal[map[string]string](t, w.State), want.State))

		payload = testdata(t, "dynamodb-time-window-event.json")
		d, _, err := DynamoDBWindow(payload)
		is.NoErr(err)
		is.True(reflect.DeepEqual(d.Records, unmarshal[events.DynamoDBTimeWindowEvent](t, payload).Records))
	})
}

func TestABrokenRecordIsBadAloneAndKeepsItsIdentifier(t *testing.T) {
	is := is.New(t)
	b, err := SQS([]byte(`{"Records":[
		{"messageId":"a","body":"x"},
		{"body":5,"messageId":"b","attributes":{"MessageGroupId":"g"}},
		7,
		{"messageId":"d","body":"y"}]}`))
	is.NoErr(err)
	is.Equal(len(b.Records), 4)
	is.Equal(len(b.Bad), 2)
	is.Equal(b.Bad[0].Index, 1)
	is.Equal(b.Bad[0].Field, "body")
	is.Equal(b.Bad[0].Err.Error(), "want a string, got a number")
	is.Equal(string(b.Bad[0].Raw), `{"body":5,"messageId":"b","attributes":{"MessageGroupId":"g"}}`)
	is.Equal(b.Records[1].MessageId, "b")
	is.Equal(b.Records[1].Attributes["MessageGroupId"], "g")
	is.Equal(b.Bad[1].Index, 2)
	is.Equal(b.Bad[1].Field, "")
	is.Equal(b.Records[3].Body, "y")

	d, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"NewImage":{"a":{"S":"x"},"price":{"N":"1","S":"1"}},
		"Keys":{"id":{"S":"k"}},"SequenceNumber":"9"}}]}`))
	is.NoErr(err)
	is.Equal(d.Bad[0].Field, "dynamodb.NewImage.price")
	is.Equal(d.Records[0].Change.SequenceNumber, "9")
	is.Equal(d.Records[0].Change.Keys["id"].String(), "k")
}
