package redeliver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
	"github.com/matryer/is"
)

// payload returns an event with these records as JSON.
func payload(records ...string) []byte {
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// record returns an SQS message as JSON. members are added as they are.
func record(id, arn, members string) string {
	return fmt.Sprintf(`{"messageId":%q,"receiptHandle":"handle-%[1]s","eventSource":"aws:sqs","eventSourceARN":%q,%s}`, id, arn, members)
}

func TestAMessageThatCannotBeDecodedWaitsToo(t *testing.T) {
	is := is.New(t)
	c := new(client)
	h := batch.SQSHandler(each(work), redeliver.After(c, redeliver.Exponential(time.Second, time.Second)), batch.WithLogger(nil))
	invoke(t, t.Context(), h, payload(
		record("m0", standard, `"body":"ok"`),
		record("m1", standard, `"body":7`),
		record("m2", standard, `"body":"ok","attributes":{"ApproximateReceiveCount":[]}`)))
	is.Equal(c.waits(), map[string]int32{"m1": 1, "m2": 1})
	is.Equal(*c.calls[0].QueueUrl, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
}

func TestABrokenMessageWhoseGroupIsKnownHoldsBackThatGroup(t *testing.T) {
	is := is.New(t)
	c := new(client)
	wait := func(f batch.Failure) time.Duration { return time.Duration(f.Record.Index+1) * time.Second }
	h := batch.SQSHandler(each(work), redeliver.After(c, wait), batch.WithLogger(nil))
	invoke(t, t.Context(), h, payload(
		record("m0", fifo, `"body":7,"attributes":{"MessageGroupId":"a"}`),
		record("m1", fifo, `"body":"ok","attributes":{"MessageGroupId":"a"}`),
		record("m2", fifo, `"body":"fail","attributes":{"MessageGroupId":"b"}`),
		record("m3", fifo, `"body":7,"attributes":{}`))) // it has no group
	is.Equal(c.waits(), map[string]int32{"m0": 1, "m1": 1, "m2": 3, "m3": 4})
}

func TestEveryMessageAfterOneOfAnUnknownGroupWaitsAtLeastAsLong(t *testing.T) {
	for what, attributes := range map[string]string{
		"the group is not text":            `{"MessageGroupId":7}`,
		"the attributes are not an object": `[]`,
		"the attributes are broken, null":  `null`,
	} {
		t.Run(what, func(t *testing.T) {
			is := is.New(t)
			c := new(client)
			waits := []time.Duration{9 * time.Second, time.Second, 5 * time.Second, 0, 12 * time.Second, 0}
			wait := func(f batch.Failure) time.Duration { return waits[f.Record.Index] }
			h := batch.SQSHandler(each(work), redeliver.After(c, wait), batch.WithLogger(nil), batch.WithPolicy(batch.Continue))
			invoke(t, t.Context(), h, payload(
				record("m0", fifo, `"body":"fail","attributes":{"MessageGroupId":"a"}`),
				record("m1", fifo, `"body":"fail","attributes":{"MessageGroupId":"b"}`),
				record("m2", fifo, `"body":7,"attributes":`+attributes),
				record("m3", fifo, `"body":"fail","attributes":{"MessageGroupId":"b"}`),
				record("m4", fifo, `"body":"fail","attributes":{"MessageGroupId":"b"}`),
				record("m5", fifo, `"body":"fail","attributes":{"MessageGroupId":"c"}`)))
			is.Equal(c.waits(), map[string]int32{"m0": 9, "m1": 1, "m2": 9, "m3": 9, "m4": 12, "m5": 9})
		})
	}
}

func TestAMessageWithoutAReceiptHandleIsLeftAlone(t *testing.T) {
	for what, broken := range map[string]string{
		"it is missing":           `{"messageId":"m1","eventSource":"aws:sqs","body":7,"attributes":{"MessageGroupId":"a"}}`,
		"it is not text":          `{"messageId":"m1","receiptHandle":7,"eventSource":"aws:sqs","body":7,"attributes":{"MessageGroupId":"a"}}`,
		"the message can be read": `{"messageId":"m1","eventSource":"aws:sqs","body":"fail","attributes":{"MessageGroupId":"a"}}`,
		"it is empty":             `{"messageId":"m1","receiptHandle":"","eventSource":"aws:sqs","body":"fail","attributes":{"MessageGroupId":"a"}}`,
	} {
		t.Run(what, func(t *testing.T) {
			is := is.New(t)
			c, l := new(client), new(logbook)
			h := batch.SQSHandler(each(work), redeliver.After(c, always(time.Second), redeliver.WithLogger(l.logger())), batch.WithLogger(nil))
			invoke(t, t.Context(), h, payload(
				record("m0", fifo, `"body":"fail","attributes":{"MessageGroupId":"b"}`),
				broken,
				record("m2", fifo, `"body":"ok","attributes":{"MessageGroupId":"a"}`),
				record("m3", fifo, `"body":"ok","attributes":{"MessageGroupId":"b"}`)))
			is.Equal(c.waits(), map[string]int32{"m0": 1, "m3": 1})
			is.Equal(l.lines(), []string{
				`level=WARN msg="visibility not changed" record=m1 error="no receipt handle"`,
				`level=WARN msg="visibility not changed" messages=1 error="an earlier message of their group, or a copy of theirs, is left alone"`,
			})
		})
	}
}

func TestARecordThatIsNotAnObjectIsLeftAloneWithEverythingAfterIt(t *testing.T) {
	for _, broken := range []string{`7`, `null`, `[]`} {
		is := is.New(t)
		c := new(client)
		h := batch.SQSHandler(each(work), redeliver.After(c, always(time.Second)), batch.WithLogger(nil))
		invoke(t, t.Context(), h, payload(
			record("m0", fifo, `"body":"fail","attributes":{"MessageGroupId":"a"}`),
			broken,
			record("m2", fifo, `"body":"fail","attributes":{"MessageGroupId":"b"}`)))
		is.Equal(c.waits(), map[string]int32{"m0": 1})
	}
}

func TestRecordsOfOtherSourcesAreLeftAlone(t *testing.T) {
	kinesis := events.KinesisEvent{Records: []events.KinesisEventRecord{{EventSource: "aws:kinesis", Kinesis: events.KinesisRecord{SequenceNumber: "1"}}}}
	c, l := new(client), new(logbook)
	option := redeliver.After(c, always(time.Second), redeliver.WithLogger(l.logger()))
	failing := func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] {
		return batch.Filter(s, func(events.KinesisEventRecord) bool { panic("broken") })
	}
	for what, handle := range map[string]func(){
		"Kinesis": func() { invoke(t, t.Context(), batch.KinesisHandler(failing, option, batch.WithLogger(nil)), kinesis) },
		"broken": func() {
			broken := payload(`{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"1","data":7}}`)
			invoke(t, t.Context(), batch.KinesisHandler(failing, option, batch.WithLogger(nil)), broken)
		},
	} {
		t.Run(what, func(t *testing.T) {
			is := is.New(t)
			l.text.Reset()
			handle()
			is.Equal(len(c.calls), 0)
			is.Equal(l.lines(), []string{`level=WARN msg="visibility not changed" messages=1 error="the records are not SQS messages"`})
		})
	}
}
