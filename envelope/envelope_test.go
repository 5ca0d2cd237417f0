package envelope_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/envelope"
	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

func message(body string) events.SQSMessage {
	return events.SQSMessage{MessageId: "m-1", Body: body}
}

// notification is the body of a message from a topic without raw message delivery.
func notification(published string) string {
	return string(lo.Must(json.Marshal(map[string]string{
		"Type":             "Notification",
		"MessageId":        "n-1",
		"TopicArn":         "arn:aws:sns:eu-west-1:123456789012:orders.fifo",
		"SequenceNumber":   "10000000000000003000",
		"Subject":          "order",
		"Message":          published,
		"Timestamp":        "2026-03-14T15:09:26.535Z",
		"SignatureVersion": "1",
		"Signature":        "c2lnbmF0dXJl",
		"SigningCertURL":   "https://sns.eu-west-1.amazonaws.com/cert.pem",
		"UnsubscribeURL":   "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
	})))
}

const (
	orderPlaced = `{"version":"0","id":"e-1","detail-type":"OrderPlaced","source":"shop",
		"account":"123456789012","time":"2026-03-14T15:09:26Z","region":"eu-west-1","resources":[],
		"detail":{"id":"o-1","total":12}}`
	s3Test = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-03-14T15:09:26.535Z",
		"Bucket":"photos","RequestId":"R","HostId":"H"}`
)

func TestANotificationOfATestNeedsNoTopic(t *testing.T) {
	is := is.New(t)
	body, err := json.Marshal(events.SNSEntity{Type: "Notification", Message: "paid"})
	is.NoErr(err)
	for _, body := range []string{string(body), `{"Type":"Notification","MessageId":"n-1","Message":"paid"}`} {
		got, err := envelope.SNS(t.Context(), message(body))
		is.NoErr(err)
		is.Equal(got.Message, "paid")
	}
}

func TestAnSNSNotificationKeepsEveryField(t *testing.T) {
	is := is.New(t)
	got, err := envelope.SNS(t.Context(), message(notification(`{"id":"o-1"}`)))
	is.NoErr(err)
	is.Equal(got.Message, `{"id":"o-1"}`)
	is.Equal(got.MessageID, "n-1")
	is.Equal(got.Subject, "order")
	is.Equal(got.Timestamp.UnixMilli(), int64(1773500966535))
	is.Equal(got.SigningCertURL, "https://sns.eu-west-1.amazonaws.com/cert.pem")
	is.Equal(got.UnsubscribeURL, "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe")
}

func TestAnEventBridgeEventKeepsItsDetail(t *testing.T) {
	is := is.New(t)
	got, err := envelope.EventBridge(t.Context(), message(orderPlaced))
	is.NoErr(err)
	is.Equal(got.DetailType, "OrderPlaced")
	is.Equal(got.Source, "shop")
	is.Equal(string(got.Detail), `{"id":"o-1","total":12}`)
}

func TestEveryObjectOfAnS3NotificationIsReturned(t *testing.T) {
	is := is.New(t)
	got, err := envelope.S3(t.Context(), message(`{"Records":[
		{"eventSource":"aws:s3","s3":{"bucket":{"name":"photos"},"object":{"key":"a+b%2Fc.jpg"}}},
		{"eventSource":"aws:s3","s3":{"bucket":{"name":"photos"},"object":{"key":"d.jpg"}}}]}`))
	is.NoErr(err)
	is.Equal(len(got), 2)
	is.Equal(got[0].S3.Object.URLDecodedKey, "a b/c.jpg")
	is.Equal(got[1].S3.Object.Key, "d.jpg")
}

func TestTheS3TestEventHasNoObjectsAndIsAcknowledged(t *testing.T) {
	is := is.New(t)
	for _, body := range []string{s3Test, notification(s3Test)} {
		m := message(body)
		if n, err := envelope.SNS(t.Context(), m); err == nil {
			m.Body = n.Message
		}
		got, err := envelope.S3(t.Context(), m)
		is.NoErr(err)
		is.Equal(len(got), 0)
	}

	objects := batch.TryFlatMap(batch.Of(message(s3Test)), envelope.S3)
	response, err := batch.Collect(objects)
	is.NoErr(err)
	is.Equal(len(response.BatchItemFailures), 0)
	for r := range objects {
		_, ready := r.Value()
		is.True(!ready)
		is.NoErr(r.Err())
	}
}

func TestATestEventWithObjectsIsNotTakenForOneWithout(t *testing.T) {
	is := is.New(t)
	got, err := envelope.S3(t.Context(), message(`{"Event":"s3:TestEvent",
		"Records":[{"s3":{"bucket":{"name":"photos"},"object":{"key":"a.jpg"}}}]}`))
	is.NoErr(err)
	is.Equal(len(got), 1)
}

func TestManyShortRecordsFailTheirMessageBeforeTheyTakeMemory(t *testing.T) {
	is := is.New(t)
	m := message(`{"Records":` + array("{}", 300_000) + `}`)
	var err error
	allocated := allocatedBy(func() { _, err = envelope.S3(t.Context(), m) })
	is.True(errors.Is(err, envelope.ErrTooLarge))
	is.True(allocated < 4<<20)

	m = message(`{"Records":` + array("{}", 100_000) + `}`)
	allocated = allocatedBy(func() { _, err = envelope.S3(t.Context(), m) })
	is.Equal(err.Error(), `body: a JSON object with "Records", not an S3 notification`)
	is.True(allocated < 8<<20)
}

func TestMessagesThroughATopicAreUnwrappedInTwoSteps(t *testing.T) {
	is := is.New(t)
	const body = `{"Records":[{"s3":{"bucket":{"name":"photos"},"object":{"key":"a.jpg"}}}]}`

	n, err := envelope.SNS(t.Context(), message(notification(body)))
	is.NoErr(err)
	objects, err := envelope.S3(t.Context(), n)
	is.NoErr(err)
	is.Equal(objects[0].S3.Bucket.Name, "photos")

	n, err = envelope.SNS(t.Context(), message(notification(orderPlaced)))
	is.NoErr(err)
	event, err := envelope.EventBridge(t.Context(), n)
	is.NoErr(err)
	is.Equal(event.ID, "e-1")

	_, err = envelope.S3(t.Context(), n)
	var other *envelope.ContentError
	is.True(errors.As(err, &other))
	is.Equal(other.ID, "n-1") // the ID of the notification
}

func TestUnexpectedContentIsAnErrorThatDescribesIt(t *testing.T) {
	sns := func(body string) error {
		_, err := envelope.SNS(t.Context(), message(body))
		return err
	}
	eventBridge := func(body string) error {
		_, err := envelope.EventBridge(t.Context(), message(body))
		return err
	}
	s3 := func(body string) error {
		_, err := envelope.S3(t.Context(), message(body))
		return err
	}
	for _, c := range []struct {
		unwrap func(string) error
		body   string
		text   string
	}{
		{sns, ``, `body: nothing, not an SNS notification`},
		{sns, `hello`, `body: data that is not JSON, not an SNS notification`},
		{sns, `"hello"`, `body: a JSON string, not an SNS notification`},
		{sns, `[1]`, `body: a JSON array, not an SNS notification`},
		{sns, ` null `, `body: the JSON value "null", not an SNS notification`},
		{sns, `{}`, `body: a JSON object with no members, not an SNS notification`},
		{sns, `{"total":1,"id":"o-1"}`, `body: a JSON object with "id", "total", not an SNS notification`},
		{sns, `{"Type":7}`, `body: a JSON object with "Type", not an SNS notification`},
		{sns, `{"Type":"SubscriptionConfirmation","TopicArn":"arn"}`,
			`body: an SNS "SubscriptionConfirmation", not an SNS notification`},
		{sns, orderPlaced, `body: an EventBridge event, not an SNS notification`},
		{sns, `{"Type":"Notification","Timestamp":"yesterday"}`,
			`body: an SNS notification that does not decode: parsing time "yesterday" as`},
		{sns, `{"Type":"Notification","id":"o-1"}`, `body: an SNS notification that does not decode: it has no Message`},
		{sns, `{"type":"Notification","id":"o-1"}`, `body: a JSON object with "id", "type", not an SNS notification`},
		{sns, `{"Type":"Notification","Message":"paid","id":"o-1"}`,
			`body: an SNS notification that does not decode: it has no TopicArn, but members that no notification has`},
		{sns, `{"type":"Notification","message":"paid","id":"o-1"}`, `body: a JSON object with "id", "message", "type", not an SNS notification`},
		{sns, `{"Type":"Notification","type":"x"}`, `body: an SNS notification with a duplicate member`},
		{eventBridge, notification(orderPlaced), `body: an SNS notification, not an EventBridge event`},
		{eventBridge, `{"id":"o-1"}`, `body: a JSON object with "id", not an EventBridge event`},
		{eventBridge, `{"detail-type":"x"}`, `body: a JSON object with "detail-type", not an EventBridge event`},
		{eventBridge, `{"source":"x","detail-type":"y","id":"o-1"}`, `body: an EventBridge event that does not decode: it has no detail`},
		{eventBridge, `{"source":"x"}`, `body: a JSON object with "source", not an EventBridge event`},
		{eventBridge, `{"messageType":"DATA_MESSAGE"}`, `body: a CloudWatch Logs message, not an EventBridge event`},
		{s3, notification(s3Test), `body: an SNS notification, not an S3 notification`},
		{s3, `{"Records":[]}`, `body: a JSON object with "Records", not an S3 notification`},
		{s3, `{"Records":[1]}`, `body: a JSON object with "Records", not an S3 notification`},
		{s3, `{"Records":[{"eventSource":"aws:sqs"}]}`, `body: Records of "aws:sqs", not an S3 notification`},
		{s3, `{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"b"}}}]}`,
			`body: an S3 notification that does not decode: a record has no bucket or no key`},
		{s3, `{"Records":[{"eventSource":"aws:s3","s3":{"object":{"key":"%zz"}}}]}`,
			`body: an S3 notification that does not decode: invalid URL escape "%zz"`},
		{s3, `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}`,
			`body: a JSON object with "a", "b", "c", "d", "e", "f", "g", "h" and 2 more, not an S3 notification`},
		{eventBridge, s3Test, `body: an S3 test event, not an EventBridge event`},
	} {
		t.Run(c.body, func(t *testing.T) {
			is := is.New(t)
			err := c.unwrap(c.body)
			var other *envelope.ContentError
			is.True(errors.As(err, &other))
			poison, ok := errors.AsType[*batch.DecodeError](err)
			is.True(ok)
			is.Equal(*poison, batch.DecodeError{ID: "m-1", Field: "body", Err: other})
			is.Equal(other.ID, "m-1")
			is.Equal(err.Error()[:min(len(err.Error()), len(c.text))], c.text)
		})
	}
}

func TestTheErrorStaysShortAndPrintableForAnyContent(t *testing.T) {
	is := is.New(t)
	name := strings.Repeat("\x7f\u202e", 1000)
	body, err := json.Marshal(map[string]string{name: "", "Type": name, "TopicArn": name, "eventSource": name})
	is.NoErr(err)
	for _, body := range []string{string(body), `{"` + name + `":1}`, `{"Records":[{"eventSource":"` + name + `"}]}`,
		strings.Repeat("9", 10_000)} {
		_, err := envelope.EventBridge(t.Context(), message(body))
		is.True(len(err.Error()) < 500)
		is.True(!strings.ContainsAny(err.Error(), "\x7f\u202e"))
	}
}

func TestNoContentPanicsOrPassesUnnoticed(t *testing.T) {
	names := rapid.SampledFrom([]string{"Type", "type", "TopicArn", "Message", "Timestamp", "detail-type", "source",
		"detail", "time", "Event", "Records", "messageType", "logEvents", "x"})
	values := rapid.SampledFrom([]string{`"Notification"`, `"s3:TestEvent"`, `"arn"`, `""`, `null`, `1`, `true`, `{}`,
		`[]`, `[null]`, `[{"s3":null}]`, `[{"eventSource":"aws:s3"}]`, `"2026-03-14T15:09:26Z"`, `"`})
	bodies := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		b.WriteByte('{')
		for i := range rapid.IntRange(0, 5).Draw(t, "members") {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + names.Draw(t, "name") + `":` + values.Draw(t, "value"))
		}
		b.WriteByte('}')
		return b.String()
	})
	rapid.Check(t, func(t *rapid.T) {
		m := message(rapid.OneOf(bodies, rapid.String()).Draw(t, "body"))

		n, err := envelope.SNS(t.Context(), m)
		if (n.Type == "Notification" && n.Message != "") != (err == nil) {
			t.Fatalf("%+v, %v", n, err)
		}
		e, err := envelope.EventBridge(t.Context(), m)
		if (e.Source != "" && e.DetailType != "" && e.Detail != nil) != (err == nil) {
			t.Fatalf("%+v, %v", e, err)
		}
		objects, err := envelope.S3(t.Context(), m)
		if len(objects) == 0 && err == nil && !strings.Contains(m.Body, "s3:TestEvent") {
			t.Fatalf("%s acknowledged with no objects", m.Body)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Fatalf("long: %s", err)
		}
	})
}

func TestRealEventsUnwrap(t *testing.T) {
	is := is.New(t)

	var published struct {
		Records []struct{ SNS json.RawMessage }
	}
	is.NoErr(json.Unmarshal(testdata(t, "sns-event.json"), &published))
	n, err := envelope.SNS(t.Context(), message(string(published.Records[0].SNS)))
	is.NoErr(err)
	is.Equal(n.Message, "Hello from SNS!")

	for _, name := range []string{"codebuild-state-change.json", "autoscaling-event-launch-successful.json",
		"ecr-image-push-event.json", "ecs-container-instance-state-change.json"} {
		e, err := envelope.EventBridge(t.Context(), message(string(testdata(t, name))))
		is.NoErr(err)
		is.True(json.Valid(e.Detail))
	}

	for _, name := range []string{"s3-event.json", "s3-event-with-decoded.json", "s3-lifecycle-event.json",
		"s3-replication-event.json", "s3-restore-event.json", "s3-intelligenttier-event.json", "s3-glacier-event.json"} {
		body := testdata(t, name)
		objects, err := envelope.S3(t.Context(), message(string(body)))
		is.NoErr(err)
		is.True(len(objects) > 0)

		var want events.S3Event
		is.NoErr(json.Unmarshal(body, &want))
		is.Equal(objects, want.Records)
	}
}

// testdata reads one of the events in the module aws-lambda-go.
func testdata(t *testing.T, name string) []byte {
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

func TestTheErrorNamesTheRecordThoughTheContentIsInANotificationInside(t *testing.T) {
	is := is.New(t)
	body, err := json.Marshal(events.SNSEntity{Type: "Notification", MessageID: "n-1", Message: "no event"})
	is.NoErr(err)
	messages := batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m-1", Body: string(body)}}})
	_, failures := batch.Partition(batch.TryFlatMap(batch.TryMap(messages, envelope.SNS), envelope.S3))
	poison, ok := errors.AsType[*batch.DecodeError](failures[0].Err)
	is.True(ok)
	is.Equal(poison.ID, "m-1")
	content, ok := errors.AsType[*envelope.ContentError](failures[0].Err)
	is.True(ok)
	is.Equal(content.ID, "n-1")
}
