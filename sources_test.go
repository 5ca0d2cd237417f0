package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
	"github.com/samber/lo/it"
)

// records returns the records of a stream, with Source set to nil.
func records[T any](s batch.Stream[T]) []batch.Record {
	return slices.Collect(it.Map(s, func(r batch.Result[T]) batch.Record {
		record := r.Record()
		record.Source = nil
		return record
	}))
}

func TestSQSMessagesHaveTheirIDGroupAndReceiveCount(t *testing.T) {
	is := is.New(t)
	is.Equal(records(batch.SQS(t.Context(), sqsEvent(queue, "g", ""))), []batch.Record{
		{ID: "m0", Group: "g", Index: 0, Attempt: 2},
		{ID: "m1", Index: 1, Attempt: 2},
	})
	odd := events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Attributes: map[string]string{"ApproximateReceiveCount": "many"}}, {}}}
	is.Equal(records(batch.SQS(t.Context(), odd)), []batch.Record{{ID: "m"}, {Index: 1}})
}

func TestTheARNTellsWhetherAQueueKeepsOrder(t *testing.T) {
	is := is.New(t)
	is.Equal(afterFirstFails(batch.SQS(t.Context(), sqsEvent(queue, "g", "g", "h"))), []string{"called", "called"}) // messages of a fair queue have groups, too
	is.Equal(afterFirstFails(batch.SQS(t.Context(), sqsEvent(fifoQueue, "g", "g", "h", "g"))), []string{"blocked", "called", "blocked"})
	is.Equal(afterFirstFails(batch.SQS(t.Context(), sqsEvent(queue+".fifo-not", "g", "g"))), []string{"called"})
	is.Equal(afterFirstFails(batch.SQS(t.Context(), sqsEvent("", "g", "g"))), []string{"called"})
}

func TestKinesisRecordsStopTheShard(t *testing.T) {
	is := is.New(t)
	record := func(number, key string) events.KinesisEventRecord {
		return events.KinesisEventRecord{EventID: "not this", Kinesis: events.KinesisRecord{SequenceNumber: number, PartitionKey: key}}
	}
	s := batch.Kinesis(t.Context(), events.KinesisEvent{Records: []events.KinesisEventRecord{record("49", "a"), record("50", "b")}})
	is.Equal(records(s), []batch.Record{{ID: "49", Group: "a"}, {ID: "50", Group: "b", Index: 1}})
	is.Equal(afterFirstFails(s), []string{"blocked"})
}

func TestDynamoDBRecordsStopTheShardAndAreGroupedByItem(t *testing.T) {
	is := is.New(t)
	type attributes = map[string]events.DynamoDBAttributeValue
	keys := []attributes{
		{"id": events.NewStringAttribute("1"), "at": events.NewNumberAttribute("2")},
		{"at": events.NewNumberAttribute("2"), "id": events.NewStringAttribute("1")},
		{"id": events.NewNumberAttribute("1"), "at": events.NewNumberAttribute("2")},
		{"id": events.NewBinaryAttribute([]byte("1"))},
		{"id": events.NewStringAttribute("MQ==")}, // the base64 of the bytes above
		{"id": events.NewStringAttribute(`1"at":{"N":"2"}`)},
		{"id": events.NewStringAttribute("1")},
		{"a": events.NewStringAttribute("1"), "b": events.NewMapAttribute(nil)}, // the service has no such keys
		{"a": events.NewStringAttribute("2"), "b": events.NewMapAttribute(nil)},
		{"a": events.NewStringAttribute("2"), "b": events.NewMapAttribute(nil), "c": events.NewStringAttribute("3")},
		nil,
	}
	var event events.DynamoDBEvent
	for i, key := range keys {
		event.Records = append(event.Records, events.DynamoDBEventRecord{
			EventID: "not this",
			Change:  events.DynamoDBStreamRecord{SequenceNumber: fmt.Sprint(i), Keys: key},
		})
	}
	all := records(batch.DynamoDB(t.Context(), event))
	is.Equal(all[3].ID, "3")
	is.Equal(all[0].Group, all[1].Group) // the order of the attributes does not matter
	is.Equal(all[10].Group, "")
	is.Equal(all[8].Group, `"a"{"S":"2"}"b"{"M":{}}`)
	groups := lo.UniqBy(all[1:], func(r batch.Record) string { return r.Group })
	is.Equal(len(groups), len(keys)-1) // different keys are different groups
	is.Equal(afterFirstFails(batch.DynamoDB(t.Context(), event)), slices.Repeat([]string{"blocked"}, len(keys)-1))
	is.Equal(afterFirstFails(batch.DynamoDB(t.Context(), event, batch.WithPolicy(batch.StopGroup)))[:2], []string{"blocked", "called"})
}

func TestAKeyWithoutATypeMakesAGroupAndDoesNotPanic(t *testing.T) {
	is := is.New(t)
	pk := events.NewStringAttribute("ada")
	event := events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{{}}}
	event.Records[0].Change.Keys = map[string]events.DynamoDBAttributeValue{"pk": pk, "sk": {}} // made by hand: no JSON decodes to it
	for r := range batch.DynamoDB(t.Context(), event) {
		is.Equal(r.Record().Group, `"pk"{"S":"ada"}"sk"{}`)
	}
}

// The MarshalJSON of events would copy the text at each level.
func TestAKeyThatIsNestedDeeplyCostsNoMoreThanAFlatOne(t *testing.T) {
	is := is.New(t)
	value := events.NewStringAttribute(strings.Repeat("x", 1<<20))
	for range 100 {
		value = events.NewListAttribute([]events.DynamoDBAttributeValue{value})
		value = events.NewMapAttribute(map[string]events.DynamoDBAttributeValue{"a": value})
	}
	key := map[string]events.DynamoDBAttributeValue{"id": value}
	event := events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{{Change: events.DynamoDBStreamRecord{Keys: key}}}}
	is.True(allocated(func() { records(batch.DynamoDB(t.Context(), event)) }) < 1<<20)
}

func TestKafkaRecordsAreReadPartitionByPartition(t *testing.T) {
	is := is.New(t)
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		"b-0":  {{Offset: 3}},
		"a-10": {{Offset: 7}, {Offset: 8}},
		"a-2":  {{Offset: 5}},
		"c-0":  {},
	}}
	for range 10 { // maps are ranged over in random order
		is.Equal(records(batch.Kafka(t.Context(), event)), []batch.Record{
			{ID: "a-10/7", Group: "a-10", Index: 0},
			{ID: "a-10/8", Group: "a-10", Index: 1},
			{ID: "a-2/5", Group: "a-2", Index: 2},
			{ID: "b-0/3", Group: "b-0", Index: 3},
		})
	}
	is.Equal(afterFirstFails(batch.Kafka(t.Context(), event)), []string{"blocked", "called", "called"})
}

func TestFromReadsTheRecordThatDescribeReturns(t *testing.T) {
	is := is.New(t)
	values := []string{"x", "y"}
	s := batch.From(t.Context(), values, func(v string) batch.Record {
		return batch.Record{ID: v, Group: v + v, Attempt: 4, Index: 99, Source: "not this"}
	})
	is.Equal(records(s), []batch.Record{{ID: "x", Group: "xx", Attempt: 4}, {ID: "y", Group: "yy", Attempt: 4, Index: 1}})
	for r := range s {
		is.True(r.Record().Source == any(&values[r.Record().Index]))
	}
	is.Equal(afterFirstFails(s), []string{"called"})
}

func TestARecordWhoseDescribePanicsHasNoIdentifier(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: v[:1]} }
	s := batch.From(t.Context(), []string{"a", ""}, describe)
	response, err := batch.Collect(s)
	is.NoErr(err) // a record that is acknowledged needs no identifier
	is.Equal(listed(response), []string{})
	_, err = batch.Collect(batch.TryEach(s, failingOn("")))
	is.True(errors.Is(err, batch.ErrNoID))
}

func TestARecordWhoseDescribePanicsMayBeOfAnyGroup(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: v[:1], Group: v} }
	var called []string
	response, err := batch.Collect(batch.TryEach(batch.From(t.Context(), []string{"a", "", "b"}, describe, batch.WithPolicy(batch.StopGroup)),
		func(ctx context.Context, v string) error { called = append(called, v); return failingOn("")(ctx, v) }))
	is.True(errors.Is(err, batch.ErrNoID))
	is.Equal(called, []string{"a", ""}) // b's group may be that of the failure
	is.Equal(listed(response), []string{"", "b"})
	called = nil
	_, failures := batch.Partition(batch.TryEach(batch.From(t.Context(), []string{"a", "", "b"}, describe, batch.WithPolicy(batch.StopGroup)),
		func(ctx context.Context, v string) error { called = append(called, v); return failingOn("a")(ctx, v) }))
	is.Equal(called, []string{"a"}) // the one in between may be of a's group, and of b's
	is.Equal(len(failures), 3)
}

func TestOfNumbersItsRecords(t *testing.T) {
	is := is.New(t)
	is.Equal(records(batch.Of("x", "y")), []batch.Record{{ID: "0"}, {ID: "1", Index: 1}})
	is.Equal(afterFirstFails(batch.Of("x", "y", "z")), []string{"called", "called"})
	is.Equal(len(slices.Collect(batch.Of[int]())), 0)
}

func TestSourcesAndOptionsPanicOnBadArguments(t *testing.T) {
	var none context.Context
	describe := func(string) batch.Record { return batch.Record{} }
	for want, build := range map[string]func(){
		"From: describe is nil":             func() { batch.From(context.Background(), []string{"a"}, nil) },
		"source: ctx is nil":                func() { batch.From(none, []string{"a"}, describe) },
		"WithPolicy: p is not a policy":     func() { batch.WithPolicy(batch.StopBatch + 1) },
		"WithReserve: d is negative":        func() { batch.WithReserve(-1) },
		"WithMaxReceives: n is less than 1": func() { batch.WithMaxReceives(0) },
		"WithReport: f is nil":              func() { batch.WithReport(nil) },
		"Option: it is nil":                 func() { batch.SQS(context.Background(), events.SQSEvent{}, nil) },
	} {
		t.Run(want, func(t *testing.T) { is.New(t).Equal(panicOf(build), "batch: "+want) })
	}
	for name, build := range map[string]func(){
		"SQS":                      func() { batch.SQS(none, events.SQSEvent{}) },
		"Kinesis":                  func() { batch.Kinesis(none, events.KinesisEvent{}) },
		"DynamoDB":                 func() { batch.DynamoDB(none, events.DynamoDBEvent{}) },
		"Kafka":                    func() { batch.Kafka(none, events.KafkaEvent{}) },
		"a policy below the first": func() { batch.WithPolicy(-1) },
	} {
		t.Run(name, func(t *testing.T) { is.New(t).True(panicOf(build) != nil) })
	}
}
