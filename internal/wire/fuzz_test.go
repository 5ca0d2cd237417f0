package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// A target compares the reader of one source with encoding/json.
type target[R any] struct {
	read    func([]byte) (Batch[R], error)
	records func(payload []byte) ([]entry, error) // in the order of the batch
	decode  func(entry) (R, error)
	// ids returns what identifies and orders a record. want returns the same from the JSON of the record.
	ids      func(R) []string
	want     func(json.RawMessage) ([]string, error)
	metadata []string // paths within a record
}

// An entry is the JSON of a record, and for Kafka its topic-partition.
type entry struct {
	partition string
	raw       json.RawMessage
}

// check compares what the reader and encoding/json make of a payload.
func (f target[R]) check(t *testing.T, payload []byte) {
	t.Helper()
	mine := bytes.Clone(payload)
	b, err := f.read(mine)
	for i := range mine {
		mine[i] = 'x' // nothing may point into the payload
	}
	if valid := json.Valid(payload); err != nil {
		if valid && errors.Is(err, errSyntax) {
			t.Fatalf("valid JSON is none: %v", err)
		}
		if len(err.Error()) > 500 {
			t.Fatalf("long error: %v", err)
		}
		return
	} else if !valid {
		t.Fatal("accepted what is no JSON")
	}
	entries, err := f.records(payload)
	if err != nil {
		t.Fatalf("accepted what encoding/json does not: %v", err)
	}
	if len(entries) != len(b.Records) {
		t.Fatalf("%d records, encoding/json has %d", len(b.Records), len(entries))
	}
	bad := map[int]Bad{}
	for i, x := range b.Bad {
		if i > 0 && b.Bad[i-1].Index >= x.Index {
			t.Fatal("bad records out of order")
		}
		if !bytes.Equal(x.Raw, entries[x.Index].raw) {
			t.Fatalf("raw is %s, want %s", x.Raw, entries[x.Index].raw)
		}
		if x.Err == nil {
			t.Fatal("bad record without an error")
		}
		if f.isMetadata(x.Field) {
			t.Fatalf("bad for its metadata: %s: %v", x.Field, x.Err)
		}
		bad[x.Index] = x
	}
	var must, may [][]string
	for i, got := range b.Records {
		a := f.amend(entries[i].raw)
		must, may = append(must, a.unread...), append(may, a.free...)
		if x, isBad := bad[i]; isBad {
			if ids, err := f.want(entries[i].raw); err == nil && !slices.Equal(f.ids(got), ids) {
				t.Fatalf("bad record (%s: %v) has ids %q, want %q", x.Field, x.Err, f.ids(got), ids)
			}
			continue
		}
		want, err := f.decode(entry{entries[i].partition, a.raw})
		if err != nil {
			t.Fatalf("record decodes to %+v, encoding/json says: %v", got, err)
		}
		for _, path := range a.free {
			take(reflect.ValueOf(&want), reflect.ValueOf(&got), path)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("record is\n%+v, want\n%+v", got, want)
		}
	}
	unreadFields(t, b.Unread, must, may)
}

func (f target[R]) fuzz(fz *testing.F, seeds ...[]byte) {
	for _, seed := range seeds {
		fz.Add(seed)
		for _, m := range mutations(string(seed)) {
			fz.Add([]byte(m))
		}
	}
	fz.Fuzz(func(t *testing.T, payload []byte) { f.check(t, payload) })
}

// mutations returns variants of an event, most of them with broken records.
func mutations(seed string) (all []string) {
	for _, c := range [][2]string{
		{`"body" :`, `"body":5,"x":`},
		{`"body" :`, `"BODY":null,"bodY":`},
		{`"messageId"`, `"mess\u0061geId"`},
		{`"Records"`, `"records"`},
		{`"Records"`, `"Records":null,"Records"`},
		{`"eventSource"`, `"EventſourCe"`},
		{`"2"`, `null`},
		{`"data":`, `"data":"%",""  :`},
		{`"data":`, `"data":null,"\ud800":`},
		{`"data":`, `"kafkaRecordValue":`},
		{`"data":`, `"kafkaRecordValue":null,"data":`},
		{`"data":`, `"data":"","kafkaRecordValue":"!","x":`},
		{`"data":`, `"data":"",` + "\"\xff\":"},
		{`"S"`, `"X"`},
		{`"S"`, `"S":"a","N"`},
		{`"S"`, `"NULL"`},
		{`"SS"`, `"NS"`},
		{`"Keys"`, `"NewImage"`},
		{`"offset"`, `"offset":1.5,"Offset"`},
		{`127`, `128`},
		{`127`, `256`},
		{`"awsRegion":`, `"awsRegion":1e3,"AWSRegion":{},"x":`},
		{`"awsRegion":`, `"awsRegion":null,"awsRegion":true,"x":`},
		{`"SentTimestamp":`, `"SentTimestamp":5,"a.b":[],"x":`},
		{`"ApproximateReceiveCount":`, `"ApproximateReceiveCount":5,"x":`},
		{`"SizeBytes":`, `"SizeBytes":"26","SizeBytes":2.6e1,"x":`},
		{`1480641523.477`, `"1480641523.477"`},
		{`1480641523.477`, `"2016-12-02T01:18:43.477Z"`},
		{`1507217624302`, `"2017-10-05T15:33:44.302+00:00"`},
		{`1507217624302`, `1.507217624302e12`},
		{`"kinesisRecordMetadata":`, `"kinesisRecordMetadata":"x","y":`},
		{`"subsequenceNumber":`, `"subsequenceNumber":"","y":`},
		{`127`, `null`},
		{`1507217624302`, `-1`},
		{`1480641523.477`, `1e400`},
		{`1480641523.477`, `-1.5e3`},
		{`"Message Body"`, `"\ud83d\ude00\n\t\"\\\/ é \u00e9"`},
		{`"abc", "123"`, `null,"a"`},
		{`"MTEwMA=="`, `"MTEw\nMA=="`},
		{`[`, `[{},`},
		{`[`, `[null,`},
		{`}`, ``},
	} {
		all = append(all, strings.Replace(seed, c[0], c[1], 1), strings.ReplaceAll(seed, c[0], c[1]))
	}
	return append(all, seed[:len(seed)/2], seed+"{")
}

func FuzzSQS(f *testing.F) {
	addSmall(f, smallSQS,
		`{"Records":[{"body":"\n and some more"`,
		`{"Records":[{"messageAttributes":{"a":{"stringListValues":[""],"stringListValues":[`,
		`{"Records":[{"messageAttributes":{"a":{"binaryValue":"`+strings.Repeat("\x83", 2000),
		`{"Records":[{"messageAttributes":{"a":{"binaryValue":"`+strings.Repeat("AAAA", pieceSize/4)+`"`)
	sqsTarget.fuzz(f, testdata(f, "sqs-event.json"), []byte(smallSQS))
}

func FuzzKinesis(f *testing.F) {
	addSmall(f, smallKinesis)
	kinesisTarget.fuzz(f, testdata(f, "kinesis-event.json"), testdata(f, "kinesis-time-window-event.json"), []byte(smallKinesis))
}

func FuzzDynamoDB(f *testing.F) {
	addSmall(f, smallDynamoDB, `{"Records":[{"eventSource":"`+strings.Repeat("\xcc", 2000)+`"`)
	dynamodbTarget.fuzz(f, testdata(f, "dynamodb-event.json"), testdata(f, "dynamodb-time-window-event.json"), []byte(smallDynamoDB))
}

func FuzzKafka(f *testing.F) {
	addSmall(f, smallKafka,
		`{"records":{"t":[null],"t":`,
		`{"records":{"`+strings.Repeat("t", maxPartitionName+1)+`":`)
	kafkaTarget.fuzz(f, testdata(f, "kafka-event.json"), []byte(smallKafka))
}

func FuzzFirehose(f *testing.F) {
	addSmall(f, smallFirehose)
	firehoseTarget.fuzz(f, testdata(f, "kinesis-firehose-event.json"), []byte(smallFirehose))
}

// FuzzWindow compares the fields around the records of a tumbling window with what encoding/json makes of them.
func FuzzWindow(f *testing.F) {
	for _, name := range []string{"kinesis-time-window-event.json", "dynamodb-time-window-event.json"} {
		seed := string(testdata(f, name))
		f.Add([]byte(seed))
		for _, c := range [][2]string{
			{`"Records"`, `"records":null,"x"`},
			{`"state"`, `"state":{"1":282},"State":null,"x"`},
			{`"state": {`, `"state":`},
			{`"window"`, `"window":{"START":null,"end":"2020-07-30T17:05:00.5+01:00"},"x"`},
			{`"shardId"`, `"shardId":0,"x"`},
			{`"eventSourceARN"`, `"EventSourceARN":[],"x"`},
			{`"state"`, `"eventSourceARN":[],"eventSourceARN":1,"eventSourceARN":null,"state"`},
			{`false`, `true`},
			{`false`, `null`},
			{`false`, `"no"`},
			{`}`, ``},
		} {
			f.Add([]byte(strings.Replace(seed, c[0], c[1], 1)))
		}
	}
	addSmall(f, smallWindow, `{"Records":[]}`, "{\"\":null,\"not text: \x86\":\"\xac\"}")
	f.Fuzz(func(t *testing.T, payload []byte) {
		checkWindow(t, payload, KinesisWindow, Kinesis)
		checkWindow(t, payload, DynamoDBWindow, DynamoDB)
	})
}

func checkWindow[R any](t *testing.T, payload []byte, read func([]byte) (Batch[R], Window, error), plain func([]byte) (Batch[R], error)) {
	t.Helper()
	mine := bytes.Clone(payload)
	b, got, err := read(mine)
	for i := range mine {
		mine[i] = 'x'
	}
	if err != nil {
		if errors.Is(err, errSyntax) && json.Valid(payload) {
			t.Fatalf("valid JSON is none: %v", err)
		}
		return
	}
	var event struct {
		Window                                          events.Window
		State                                           json.RawMessage
		ShardID                                         string
		IsFinalInvokeForWindow, IsWindowTerminatedEarly bool
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatalf("accepted what encoding/json does not: %v", err)
	}
	if string(event.State) == "null" {
		event.State = nil
	}
	want := Window{
		event.Window.Start.Time, event.Window.End.Time, event.State, event.ShardID, sourceOfWindow(payload),
		event.IsFinalInvokeForWindow, event.IsWindowTerminatedEarly,
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("window is\n%+v, want\n%+v", got, want)
	}
	if b.Unread = slices.DeleteFunc(b.Unread, func(u Unread) bool { return u.Field == "eventSourceARN" }); len(b.Unread) == 0 {
		b.Unread = nil
	}
	if plain, err := plain(payload); err == nil && len(b.Unread) < maxUnread && !reflect.DeepEqual(b, plain) {
		t.Fatalf("records are\n%+v, without the window\n%+v", b, plain)
	}
}

// sourceOfWindow returns the eventSourceARN of an event, which is metadata.
func sourceOfWindow(payload []byte) (arn string) {
	all, _ := rawMembers(payload)
	for _, m := range all {
		if !matchesName([]byte(m.name), "eventSourceARN") {
			continue
		}
		switch m.value[0] {
		case '{', '[', 'n':
		case '"':
			_ = json.Unmarshal(m.value, &arn)
		default:
			arn = string(m.value)
		}
	}
	return arn
}
