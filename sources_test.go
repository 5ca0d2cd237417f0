package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

const (
	queue     = "arn:aws:sqs:eu-west-1:123456789012:orders"
	fifoQueue = queue + ".fifo"
)

// records returns the records of a stream without their sources.
func records[T any](s batch.Stream[T]) (all []batch.Record) {
	for r := range s {
		record := r.Record()
		record.Source = nil
		all = append(all, record)
	}
	return all
}

// behind fails the first record of a stream and returns what became of the others.
func behind[T any](s batch.Stream[T]) (states []string) {
	i := 0
	for r := range batch.TryEach(s, func(context.Context, T) error {
		if i == 0 {
			return errBoom
		}
		return nil
	}) {
		if i++; i > 1 {
			states = append(states, map[bool]string{true: "blocked", false: "called"}[errors.Is(r.Err(), batch.ErrBlocked)])
		}
	}
	return states
}

func sqsEvent(arn string, groups ...string) (event events.SQSEvent) {
	for i, group := range groups {
		m := events.SQSMessage{MessageId: fmt.Sprint("m", i), EventSourceARN: arn, Attributes: map[string]string{"ApproximateReceiveCount": "2"}}
		if group != "" {
			m.Attributes["MessageGroupId"] = group
		}
		event.Records = append(event.Records, m)
	}
	return event
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
	is.Equal(behind(batch.SQS(t.Context(), sqsEvent(queue, "g", "g", "h"))), []string{"called", "called"}) // fair queues have groups, too
	is.Equal(behind(batch.SQS(t.Context(), sqsEvent(fifoQueue, "g", "g", "h", "g"))), []string{"blocked", "called", "blocked"})
	is.Equal(behind(batch.SQS(t.Context(), sqsEvent(queue+".fifo-not", "g", "g"))), []string{"called"})
	is.Equal(behind(batch.SQS(t.Context(), sqsEvent("", "g", "g"))), []string{"called"})
}

func TestKinesisRecordsStopTheShard(t *testing.T) {
	is := is.New(t)
	record := func(number, key string) events.KinesisEventRecord {
		return events.KinesisEventRecord{EventID: "not this", Kinesis: events.KinesisRecord{SequenceNumber: number, PartitionKey: key}}
	}
	s := batch.Kinesis(t.Context(), events.KinesisEvent{Records: []events.KinesisEventRecord{record("49", "a"), record("50", "b")}})
	is.Equal(records(s), []batch.Record{{ID: "49", Group: "a"}, {ID: "50", Group: "b", Index: 1}})
	is.Equal(behind(s), []string{"blocked"})
}

func TestDynamoDBRecordsStopTheShardAndAreGroupedByItem(t *testing.T) {
	is := is.New(t)
	type attributes = map[string]events.DynamoDBAttributeValue
	keys := []attributes{
		{"id": events.NewStringAttribute("1"), "at": events.NewNumberAttribute("2")},
		{"at": events.NewNumberAttribute("2"), "id": events.NewStringAttribute("1")},
		{"id": events.NewNumberAttribute("1"), "at": events.NewNumberAttribute("2")},
		{"id": events.NewBinaryAttribute([]byte("1"))},
		{"id": events.NewStringAttribute("MQ==")}, // what the bytes are in base64
		{"id": events.NewStringAttribute(`1"at":{"N":"2"}`)},
		{"id": events.NewStringAttribute("1")},
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
	is.Equal(all[0].Group, all[1].Group) // whatever the order of the attributes
	is.Equal(all[7].Group, "")
	groups := map[string]bool{}
	for _, r := range all[1:] {
		groups[r.Group] = true
	}
	is.Equal(len(groups), len(keys)-1) // different keys are different groups
	is.Equal(behind(batch.DynamoDB(t.Context(), event)), slices.Repeat([]string{"blocked"}, len(keys)-1))
	is.Equal(behind(batch.DynamoDB(t.Context(), event, batch.WithPolicy(batch.StopGroup)))[:2], []string{"blocked", "called"})
}

func TestKafkaRecordsComePartitionByPartition(t *testing.T) {
	is := is.New(t)
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		"b-0":  {{Offset: 3}},
		"a-10": {{Offset: 7}, {Offset: 8}},
		"a-2":  {{Offset: 5}},
		"c-0":  {},
	}}
	for range 10 { // the map has no order
		is.Equal(records(batch.Kafka(t.Context(), event)), []batch.Record{
			{ID: "a-10/7", Group: "a-10", Index: 0},
			{ID: "a-10/8", Group: "a-10", Index: 1},
			{ID: "a-2/5", Group: "a-2", Index: 2},
			{ID: "b-0/3", Group: "b-0", Index: 3},
		})
	}
	is.Equal(behind(batch.Kafka(t.Context(), event)), []string{"blocked", "called", "called"})
}

func TestFromReadsWhatDescribeTells(t *testing.T) {
	is := is.New(t)
	values := []string{"x", "y"}
	s := batch.From(t.Context(), values, func(v string) batch.Record {
		return batch.Record{ID: v, Group: v + v, Attempt: 4, Index: 99, Source: "not this"}
	})
	is.Equal(records(s), []batch.Record{{ID: "x", Group: "xx", Attempt: 4}, {ID: "y", Group: "yy", Attempt: 4, Index: 1}})
	for r := range s {
		is.True(r.Record().Source == any(&values[r.Record().Index]))
	}
	is.Equal(behind(s), []string{"called"})
}

func TestARecordThatDescribePanicsForHasNoIdentifier(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: v[:1]} }
	s := batch.From(t.Context(), []string{"a", ""}, describe)
	response, err := batch.Collect(s)
	is.NoErr(err) // no matter, as long as it is acknowledged
	is.Equal(listed(response), []string{})
	_, err = batch.Collect(batch.TryEach(s, failingOn("")))
	is.True(errors.Is(err, batch.ErrNoID))
}

func TestOfCountsItsValues(t *testing.T) {
	is := is.New(t)
	is.Equal(records(batch.Of("x", "y")), []batch.Record{{ID: "0"}, {ID: "1", Index: 1}})
	is.Equal(behind(batch.Of("x", "y", "z")), []string{"called", "called"})
	is.Equal(len(slices.Collect(batch.Of[int]())), 0)
}

func TestWithPolicyReplacesThePolicyOfTheSource(t *testing.T) {
	is := is.New(t)
	event := sqsEvent(fifoQueue, "g", "g", "h")
	is.Equal(behind(batch.SQS(t.Context(), event, batch.WithPolicy(batch.Continue))), []string{"called", "called"})
	is.Equal(behind(batch.SQS(t.Context(), event, batch.WithPolicy(batch.StopBatch))), []string{"blocked", "blocked"})
	is.Equal(behind(batch.SQS(t.Context(), event, batch.WithPolicy(batch.StopBatch), batch.WithPolicy(batch.StopGroup))), []string{"blocked", "called"})
	is.Equal(fmt.Sprint(batch.Continue, batch.StopGroup, batch.StopBatch, batch.Policy(7)), "Continue StopGroup StopBatch Policy(7)")
}

func TestRecordsWithoutAGroupBlockNobodyUnderStopGroup(t *testing.T) {
	is := is.New(t)
	s := batch.SQS(t.Context(), sqsEvent(fifoQueue, "", "", "g"))
	is.Equal(behind(s), []string{"called", "called"})
	response, err := batch.Collect(batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		return failingOn("m0")(nil, m.MessageId)
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0"})
}

func TestPoliciesHoldForAStreamThatWasMaterialised(t *testing.T) {
	is := is.New(t)
	s := named(t.Context(), batch.StopBatch, "a", "b", "c")
	is.Equal(behind(slices.Values(slices.Collect(s))), []string{"blocked", "blocked"})

	failed := slices.Collect(batch.TryEach(s, failingOn("b")))
	is.True(errors.Is(failed[2].Err(), batch.ErrBlocked))
	response, err := batch.Collect(slices.Values(failed))
	is.NoErr(err)
	is.Equal(listed(response), []string{"b", "c"})
}

func TestFailCountsFromTheNextStageOn(t *testing.T) {
	is := is.New(t)
	called := []string{}
	s := func(yield func(batch.Result[string]) bool) {
		for r := range named(t.Context(), batch.StopBatch, "a", "b") {
			if r.Record().Index == 0 {
				r = r.Fail(errBoom)
			}
			if !yield(r) {
				return
			}
		}
	}
	tried := batch.TryEach(s, func(_ context.Context, v string) error { called = append(called, v); return nil })
	all := slices.Collect(tried) // before any collector has seen the failure
	is.Equal(called, []string{})
	is.True(errors.Is(all[1].Err(), batch.ErrBlocked))
	response, _ := batch.Collect(tried)
	is.Equal(listed(response), []string{"a", "b"})
}

func TestAFailureThatIsSettledBlocksNobody(t *testing.T) {
	for name, settle := range map[string]func(batch.Stream[string]) batch.Stream[string]{
		"Catch": func(s batch.Stream[string]) batch.Stream[string] {
			return batch.Catch(s, func(context.Context, error) error { return nil })
		},
		"OrElse": func(s batch.Stream[string]) batch.Stream[string] {
			return batch.OrElse(s, func(context.Context, error) (string, error) { return "", nil })
		},
		"Ack": func(s batch.Stream[string]) batch.Stream[string] {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if r.Err() != nil {
						r = r.Ack()
					}
					if !yield(r) {
						return
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			called := []string{}
			s := batch.TryEach(named(t.Context(), batch.StopBatch, "a", "b", "c"), func(_ context.Context, v string) error {
				called = append(called, v)
				return failingOn("a", "c")(nil, v)
			})
			// The next stage sees it, and no collector before all are through.
			seen := batch.Catch(settle(s), func(_ context.Context, err error) error { return err })
			response, err := batch.Collect(slices.Values(slices.Collect(seen)))
			is.NoErr(err)
			is.Equal(listed(response), []string{})
			is.Equal(called, []string{"a", "b", "c"})
		})
	}
}

func TestSiblingsDoNotBlockEachOther(t *testing.T) {
	is := is.New(t)
	called := []string{}
	s := batch.FlatMap(named(t.Context(), batch.StopBatch, "ab", "cd"), func(v string) []string { return strings.Split(v, "") })
	response, _ := batch.Collect(batch.TryEach(s, func(_ context.Context, v string) error {
		called = append(called, v)
		return failingOn("a")(nil, v)
	}))
	is.Equal(called, []string{"a", "b"})
	is.Equal(listed(response), []string{"ab", "cd"})

	// A record blocks those behind it until the last of its failed parts is settled.
	caught := 0
	settleOne := func(_ context.Context, err error) error {
		if caught++; caught == 1 {
			return nil
		}
		return err
	}
	response, _ = batch.Collect(batch.Catch(batch.TryEach(s, failingOn("a", "b")), settleOne))
	is.Equal(caught, 2)
	is.Equal(listed(response), []string{"ab", "cd"})
}

// What a stage that looks ahead has processed before the failure was known comes
// again all the same: it must not overtake what stands before it.
func TestCollectorsReportWhatStandsBehindAFailure(t *testing.T) {
	is := is.New(t)
	s := batch.TryEachChunk(batch.SQS(t.Context(), sqsEvent(fifoQueue, "g", "h", "g", "", "h")), 5,
		func(context.Context, []events.SQSMessage) error { return batch.ItemErrors{0: errBoom, 3: errBoom} })
	var report batch.Report
	_, failures := batch.Partition(s)
	is.Equal(len(failures), 3)
	is.True(errors.Is(failures[1].Err, batch.ErrBlocked))
	response, err := batch.Collect(batch.TryEachChunk(
		batch.SQS(t.Context(), sqsEvent(fifoQueue, "g", "h", "g", "", "h"), batch.WithReport(func(_ context.Context, r batch.Report) { report = r })), 5,
		func(context.Context, []events.SQSMessage) error { return batch.ItemErrors{0: errBoom, 3: errBoom} }))
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m2", "m3"})
	is.Equal([]int{report.Acknowledged, report.Failed, report.Blocked}, []int{2, 2, 1})
}

func TestAMessageOnItsLastReceiveBlocksNobody(t *testing.T) {
	is := is.New(t)
	event := sqsEvent(fifoQueue, "g", "g", "g") // all on their second receive
	is.Equal(behind(batch.SQS(t.Context(), event, batch.WithMaxReceives(2))), []string{"called", "called"})
	is.Equal(behind(batch.SQS(t.Context(), event, batch.WithMaxReceives(1))), []string{"called", "called"})
	is.Equal(behind(batch.SQS(t.Context(), event, batch.WithMaxReceives(3))), []string{"blocked", "blocked"})

	event.Records[1].Attributes["ApproximateReceiveCount"] = "1"
	response, err := batch.Collect(batch.TryEach(batch.SQS(t.Context(), event, batch.WithMaxReceives(2)),
		func(_ context.Context, m events.SQSMessage) error {
			if m.MessageId != "m2" {
				return errBoom
			}
			return nil
		}))
	is.True(err != nil) // the second one, tried and not on its last receive, blocks the third
	is.Equal(listed(response), []string{"m0", "m1", "m2"})
}

// endOf is when the records' context ends, after the beginning.
func endOf(deadline time.Duration, opts ...batch.Option) time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	end, _ := one(batch.From(ctx, []string{"a"}, func(string) batch.Record { return batch.Record{} }, opts...)).Context().Deadline()
	return time.Until(end)
}

func TestTheRecordsContextEndsAReserveBeforeTheInvocation(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		deadline, reserve, want time.Duration // reserve -1: the default
	}{
		{20 * time.Second, -1, 19 * time.Second}, // 5 %
		{10 * time.Second, -1, 9500 * ms},        // the same as the least
		{3 * time.Second, -1, 2500 * ms},         // at least 500 ms
		{900 * ms, -1, 450 * ms},                 // never more than half
		{time.Minute, -1, 58 * time.Second},      // at most 2 s
		{15 * time.Minute, -1, 15*time.Minute - 2000*ms},
		{10 * time.Second, time.Second, 9 * time.Second},
		{10 * time.Second, 10 * ms, 9990 * ms},
		{10 * time.Second, 7 * time.Second, 5 * time.Second},
		{10 * time.Second, 0, 10 * time.Second},
		{0, -1, 0},
		{-time.Second, -1, -time.Second},
	} {
		t.Run(fmt.Sprint(test.deadline, test.reserve), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var opts []batch.Option
				if test.reserve >= 0 {
					opts = append(opts, batch.WithReserve(test.reserve))
				}
				is.Equal(endOf(test.deadline, opts...), test.want)
			})
		})
	}
	_, ok := one(batch.Of("a")).Context().Deadline()
	is.New(t).True(!ok) // without a deadline there is no reserve
}

func TestEachRangeTakesItsReserveFromWhatRemains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		s := named(ctx, batch.Continue, "a")
		end, _ := one(s).Context().Deadline()
		is.Equal(time.Until(end), 19*time.Second)
		time.Sleep(10 * time.Second)
		end, _ = one(s).Context().Deadline()
		is.Equal(time.Until(end), 9500*time.Millisecond)
	})
}

func TestSourcesAndOptionsAreBuiltFromWhatIsThere(t *testing.T) {
	var none context.Context
	describe := func(string) batch.Record { return batch.Record{} }
	for want, build := range map[string]func(){
		"From: describe is nil":             func() { batch.From(context.Background(), []string{"a"}, nil) },
		"source: ctx is nil":                func() { batch.From(none, []string{"a"}, describe) },
		"WithPolicy: p is no policy":        func() { batch.WithPolicy(batch.StopBatch + 1) },
		"WithReserve: d is negative":        func() { batch.WithReserve(-1) },
		"WithMaxReceives: n is less than 1": func() { batch.WithMaxReceives(0) },
		"WithReport: f is nil":              func() { batch.WithReport(nil) },
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
