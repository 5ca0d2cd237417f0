package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"
)

// target fuzzes one source.
type target[R any] struct {
	read    func([]byte) (Batch[R], error)
	records func(payload []byte) ([]entry, error) // in the order of the batch
	decode  func(entry) (R, error)
	// ids returns what decides about a record's fate, by itself and from its JSON alone.
	ids  func(R) []string
	want func(json.RawMessage) ([]string, error)
}

// entry is a record's JSON, and for Kafka where it stands.
type entry struct {
	partition string
	raw       json.RawMessage
}

// check holds a payload against encoding/json.
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
		bad[x.Index] = x
	}
	for i, got := range b.Records {
		if x, isBad := bad[i]; isBad {
			if ids, err := f.want(entries[i].raw); err == nil && !slices.Equal(f.ids(got), ids) {
				t.Fatalf("bad record (%s: %v) has ids %q, want %q", x.Field, x.Err, f.ids(got), ids)
			}
			continue
		}
		want, err := f.decode(entries[i])
		if err != nil {
			t.Fatalf("record decodes to %+v, encoding/json says: %v", got, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("record is\n%+v, want\n%+v", got, want)
		}
	}
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

// mutations breaks an event in the ways that records are broken.
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
		{`"data":`, `"data":"",` + "\"\xff\":"},
		{`"S"`, `"X"`},
		{`"S"`, `"S":"a","N"`},
		{`"S"`, `"NULL"`},
		{`"SS"`, `"NS"`},
		{`"Keys"`, `"NewImage"`},
		{`"offset"`, `"offset":1.5,"Offset"`},
		{`127`, `128`},
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

// listed is the oracle's view of a payload whose records are a list.
func listed(payload []byte) (all []entry, err error) {
	var event struct{ Records []json.RawMessage }
	err = json.Unmarshal(payload, &event)
	for _, raw := range event.Records {
		all = append(all, entry{raw: raw})
	}
	return all, err
}

func decodeEntry[R any](e entry) (R, error) { return decode[R](e.raw) }

func decode[R any](raw json.RawMessage) (r R, err error) {
	defer func() {
		// DynamoDBAttributeValue's UnmarshalJSON panics on a binary set with something else in it.
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	err = json.Unmarshal(raw, &r)
	return r, err
}

var sqsTarget = target[events.SQSMessage]{
	read:    SQS,
	records: listed,
	decode:  decodeEntry[events.SQSMessage],
	ids:     func(m events.SQSMessage) []string { return []string{m.MessageId, m.Attributes["MessageGroupId"]} },
	want: func(raw json.RawMessage) ([]string, error) {
		m, err := decode[struct {
			MessageID  string
			Attributes map[string]string
		}](raw)
		return []string{m.MessageID, m.Attributes["MessageGroupId"]}, err
	},
}

var kinesisTarget = target[events.KinesisEventRecord]{
	read:    Kinesis,
	records: listed,
	decode:  decodeEntry[events.KinesisEventRecord],
	ids: func(k events.KinesisEventRecord) []string {
		return []string{k.Kinesis.SequenceNumber, k.Kinesis.PartitionKey}
	},
	want: func(raw json.RawMessage) ([]string, error) {
		k, err := decode[struct {
			Kinesis struct{ SequenceNumber, PartitionKey string }
		}](raw)
		return []string{k.Kinesis.SequenceNumber, k.Kinesis.PartitionKey}, err
	},
}

var dynamodbTarget = target[events.DynamoDBEventRecord]{
	read:    DynamoDB,
	records: listed,
	decode: func(e entry) (events.DynamoDBEventRecord, error) {
		d, err := decode[events.DynamoDBEventRecord](e.raw)
		if err != nil && strings.Contains(err.Error(), "of type float64") {
			// Under NULL anything goes, but encoding/json wants even its numbers to fit.
			d, err = decode[events.DynamoDBEventRecord](smallNumbers(e.raw))
		}
		return d, err
	},
	ids: func(d events.DynamoDBEventRecord) []string { return []string{d.Change.SequenceNumber} },
	want: func(raw json.RawMessage) ([]string, error) {
		d, err := decode[struct {
			Dynamodb struct{ SequenceNumber string }
		}](raw)
		return []string{d.Dynamodb.SequenceNumber}, err
	},
}

// smallNumbers replaces the numbers that are too large for a float64.
func smallNumbers(raw json.RawMessage) json.RawMessage {
	var out bytes.Buffer
	d, e := newDecoder(raw), jsontext.NewEncoder(&out, leniency...)
	for {
		t, err := d.ReadToken()
		if err != nil {
			return out.Bytes()
		}
		if _, err := t.Float(); t.Kind() == jsontext.KindNumber && err != nil {
			t = jsontext.Int(1)
		}
		if err := e.WriteToken(t); err != nil {
			return raw
		}
	}
}

var kafkaTarget = target[KafkaRecord]{
	read: Kafka,
	records: func(payload []byte) (all []entry, err error) {
		var event struct{ Records map[string][]json.RawMessage }
		err = json.Unmarshal(payload, &event)
		for _, name := range slices.Sorted(maps.Keys(event.Records)) {
			for _, raw := range event.Records[name] {
				all = append(all, entry{name, raw})
			}
		}
		return all, err
	},
	decode: func(e entry) (k KafkaRecord, err error) {
		k, err = decodeKafka(e)
		k.Partition = e.partition
		return k, err
	},
	ids: func(k KafkaRecord) []string {
		return []string{k.Topic, fmt.Sprint(k.KafkaRecord.Partition), fmt.Sprint(k.Offset)}
	},
	want: func(raw json.RawMessage) ([]string, error) {
		k, err := decode[struct {
			Topic             string
			Partition, Offset int64
		}](raw)
		return []string{k.Topic, fmt.Sprint(k.Partition), fmt.Sprint(k.Offset)}, err
	},
}

func decodeKafka(e entry) (k KafkaRecord, err error) {
	if k.KafkaRecord, err = decode[events.KafkaRecord](e.raw); err != nil {
		return k, err
	}
	given, err := decode[struct{ Offset *int64 }](e.raw)
	k.Located = given.Offset != nil
	return k, err
}

var firehoseTarget = target[events.KinesisFirehoseEventRecord]{
	read:    Firehose,
	records: listed,
	decode:  decodeEntry[events.KinesisFirehoseEventRecord],
	ids:     func(k events.KinesisFirehoseEventRecord) []string { return []string{k.RecordID} },
	want: func(raw json.RawMessage) ([]string, error) {
		k, err := decode[struct{ RecordID string }](raw)
		return []string{k.RecordID}, err
	},
}

func FuzzSQS(f *testing.F) { sqsTarget.fuzz(f, testdata(f, "sqs-event.json")) }

func FuzzKinesis(f *testing.F) {
	kinesisTarget.fuzz(f, testdata(f, "kinesis-event.json"), testdata(f, "kinesis-time-window-event.json"))
}

func FuzzDynamoDB(f *testing.F) {
	dynamodbTarget.fuzz(f, testdata(f, "dynamodb-event.json"), testdata(f, "dynamodb-time-window-event.json"))
}

func FuzzKafka(f *testing.F) { kafkaTarget.fuzz(f, testdata(f, "kafka-event.json")) }

func FuzzFirehose(f *testing.F) { firehoseTarget.fuzz(f, testdata(f, "kinesis-firehose-event.json")) }

// FuzzWindow holds what surrounds the records of a tumbling window against encoding/json.
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
			{`false`, `true`},
			{`false`, `null`},
			{`false`, `"no"`},
			{`}`, ``},
		} {
			f.Add([]byte(strings.Replace(seed, c[0], c[1], 1)))
		}
	}
	f.Add([]byte(`{"state":`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		mine := bytes.Clone(payload)
		b, got, err := KinesisWindow(mine)
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
			ShardID, EventSourceARN                         string
			IsFinalInvokeForWindow, IsWindowTerminatedEarly bool
		}
		if err := json.Unmarshal(payload, &event); err != nil {
			t.Fatalf("accepted what encoding/json does not: %v", err)
		}
		if string(event.State) == "null" {
			event.State = nil
		}
		want := Window{
			event.Window.Start.Time, event.Window.End.Time, event.State, event.ShardID, event.EventSourceARN,
			event.IsFinalInvokeForWindow, event.IsWindowTerminatedEarly,
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("window is\n%+v, want\n%+v", got, want)
		}
		if plain, err := Kinesis(payload); err == nil && !reflect.DeepEqual(b, plain) {
			t.Fatalf("records are\n%+v, without the window\n%+v", b, plain)
		}
	})
}
