package local_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/internal/local"
)

func tell(t *testing.T, handler *batch.Handler, event string) (stdout, stderr string) {
	t.Helper()
	var out, story bytes.Buffer
	log := slog.Default()
	is.New(t).Equal(local.Tell(handler, []byte(event), []string{"program"}, &out, &story), 0)
	is.New(t).Equal(slog.Default(), log)
	return out.String(), story.String()
}

func TestTheStoryShowsEachRecordItsOutcomeAndTheReason(t *testing.T) {
	is := is.New(t)
	handler := batch.SQSHandler(batch.Each(func(_ context.Context, m events.SQSMessage) error {
		switch m.Body {
		case "bad":
			return errors.New("refused")
		case "worse":
			panic("oh")
		}
		return nil
	}))
	message := func(id, group, body string) string {
		return `{"messageId":"` + id + `","body":"` + body + `","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:1:q.fifo",` +
			`"attributes":{"MessageGroupId":"` + group + `"}}`
	}
	stdout, story := tell(t, handler, `{"Records":[`+strings.Join([]string{
		message("m-1", "a", "good"), message("m-22222222", "b", "bad"), message("m-3", "b", strings.Repeat("long ", 20)), message("m-4", "c", "worse"),
	}, ",")+`]}`)
	is.Equal(stdout, `{"batchItemFailures":[{"itemIdentifier":"m-22222222"},{"itemIdentifier":"m-3"},{"itemIdentifier":"m-4"}]}`+"\n")
	is.Equal(story, `4 records arrived:

  m-1        good                                                         done
  m-222222…  bad                                                          failed: refused
  m-3        long long long long long long…long long long long long long  blocked by record "m-222222…"
  m-4        worse                                                        panic: oh (story_test.go:34 local_test.TestTheStoryShowsEachRecordItsOutcomeAndTheReason.func1)

3 of 4 will be redelivered: 2 failed, 1 blocked. The response lists them, and SQS deletes the other 1.
The response:
`)
}

func TestTheStoryOfAShardSaysThatItIsReadAgain(t *testing.T) {
	is := is.New(t)
	handler := batch.KinesisHandler(batch.Each(func(_ context.Context, r events.KinesisEventRecord) error {
		if string(r.Kinesis.Data) == "bad" {
			return errors.New("refused")
		}
		return nil
	}), batch.WithPolicy(batch.Continue))
	record := func(number, data string) string {
		return `{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"` + number + `","data":"` + data + `"}}`
	}
	_, story := tell(t, handler, `{"Records":[`+record("1000000001", "Z29vZA==")+","+record("1000000002", "YmFk")+","+record("1000000003", "Z29vZA==")+`]}`)
	is.True(strings.Contains(story, "  …00000002  bad   failed: refused\n"))
	is.True(strings.HasSuffix(story, "2 of 3 will be redelivered: 1 failed. Lambda reads the shard again from the first one listed.\nThe response:\n"))
	_, story = tell(t, handler, `{"Records":[`+record("1", "Z29vZA==")+`]}`)
	is.True(strings.HasSuffix(story, "None will be redelivered: the response lists none, and Lambda reads on in the shard.\nThe response:\n"))
}

func TestAMessageWhoseIDCannotBeReadIsStillOneOfAQueue(t *testing.T) {
	is := is.New(t)
	handler := batch.SQSHandler(batch.Each(func(context.Context, events.SQSMessage) error { return nil }))
	_, story := tell(t, handler, `{"Records":[
		{"messageId":"m-1","body":"good","eventSource":"aws:sqs"},
		{"messageId":"","body":"better","eventSource":"aws:sqs"}]}`)
	is.Equal(story, `2 records arrived:

  m-1  good    done
       better  done

None will be redelivered: the response lists none, and SQS deletes all.
The response:
`)
}

func TestTheStoryShowsLogLinesAndTheReceiveCount(t *testing.T) {
	is := is.New(t)
	handler := batch.SQSHandler(func(messages batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		stored := batch.TryEach(messages, func(ctx context.Context, m events.SQSMessage) error {
			slog.InfoContext(ctx, "stored", "body", m.Body)
			slog.DebugContext(ctx, "seen")
			slog.WarnContext(ctx, "odd")
			return nil
		})
		mailed := batch.TryEach(stored, func(_ context.Context, m events.SQSMessage) error {
			if m.Body == "bad" {
				return errors.New("refused")
			}
			return nil
		})
		return batch.TryEachChunk(mailed, 10, func(ctx context.Context, chunk []events.SQSMessage) error {
			slog.InfoContext(ctx, "bulk write", "messages", len(chunk))
			return nil
		})
	})
	_, story := tell(t, handler, `{"Records":[
		{"messageId":"m-1","body":"good","eventSource":"aws:sqs"},
		{"messageId":"m-2","body":"bad","eventSource":"aws:sqs","attributes":{"ApproximateReceiveCount":"3"}}]}`)
	is.Equal(story, `2 records arrived:

  m-1  good  done: stored body=good
  m-2  bad   stored body=bad, then failed on receive 3: refused

  bulk write messages=1

1 of 2 will be redelivered: 1 failed. The response lists them, and SQS deletes the other 1.
A message that has been received maxReceiveCount times moves to the dead-letter queue instead.
The response:
`)
}

func TestTheStoryOfFirehoseHasTheNewDataAndThePartition(t *testing.T) {
	is := is.New(t)
	handler := batch.FirehoseHandler(func(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		kept := batch.Filter(records, func(r events.KinesisFirehoseEventRecord) bool { return string(r.Data) != "noise" })
		return batch.TryMap(kept, func(_ context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
			if string(r.Data) == "bad" {
				return batch.FirehoseRecord{}, errors.New("refused")
			}
			return batch.FirehoseRecord{Data: []byte("better"), PartitionKeys: map[string]string{"b": "2", "a": "1"}}, nil
		})
	})
	record := func(id, data string) string { return `{"recordId":"` + id + `","data":"` + data + `"}` }
	stdout, story := tell(t, handler, `{"deliveryStreamArn":"arn:aws:firehose:eu-west-1:1:deliverystream/s","records":[`+
		record("r-1", "Z29vZA==")+","+record("r-2", "bm9pc2U=")+","+record("r-3", "YmFk")+`]}`)
	is.True(strings.HasPrefix(stdout, `{"records":[{"recordId":"r-1","result":"Ok",`))
	is.Equal(story, `3 records arrived:

  r-1  good   Ok: better in partition a=1 b=2
  r-2  noise  Dropped
  r-3  bad    ProcessingFailed: refused

1 Ok: delivered with the new data. 1 Dropped: not delivered. 1 ProcessingFailed: stored under the error prefix.
Firehose redelivers none of them.
The response:
`)
}

func TestEachInvocationOfAWindowGetsTheStateOfTheOneBefore(t *testing.T) {
	is := is.New(t)
	handler := batch.KinesisWindowHandler(batch.Each(func(context.Context, events.KinesisEventRecord) error { return nil }),
		func(n int, _ events.KinesisEventRecord) int { return n + 1 },
		func(ctx context.Context, _ batch.Window, n int) error {
			slog.InfoContext(ctx, "closed", "n", n)
			return nil
		})
	event := func(final, records string) string {
		return `{"window":{"start":"2025-11-23T08:00:00Z","end":"2025-11-23T08:01:00Z"},"state":{},"shardId":"s",
			"eventSourceARN":"arn:aws:kinesis:eu-west-1:1:stream/s","isFinalInvokeForWindow":` + final + `,"Records":[` + records + `]}`
	}
	record := `{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"1","data":"Z29vZA=="}}`
	var out, story bytes.Buffer
	is.Equal(local.TellWindow(handler, []byte("["+event("false", record)+","+event("true", "")+"]"), []string{"program"}, &out, &story), 0)
	is.Equal(out.String(), `{"state":1,"batchItemFailures":[]}`+"\n"+`{"state":1,"batchItemFailures":[]}`+"\n")
	is.Equal(story.String(), `Invocation 1 of 2: 1 record arrived; the window's state is {}:

  1  good  done

None will be redelivered: the response lists none. The next invocation receives the state in it.
The response:

Invocation 2 of 2: no records arrived. The window is over, and its state is 1:

  closed n=1

None will be redelivered. The window is over, and Lambda drops its state.
The response:
`)
}

func TestAFileThatIsNotAListOfEventsHasNoStory(t *testing.T) {
	is := is.New(t)
	var out, story bytes.Buffer
	handler := batch.KinesisWindowHandler(batch.Each(func(context.Context, events.KinesisEventRecord) error { return nil }),
		func(n int, _ events.KinesisEventRecord) int { return n }, func(context.Context, batch.Window, int) error { return nil })
	is.Equal(local.TellWindow(handler, []byte("{}"), []string{"program"}, &out, &story), 1)
	is.Equal(out.String(), "")
	is.True(strings.HasPrefix(story.String(), "program: not a list of events: "))
}

func TestTheStoryOfAnInvocationThatFailedSaysThatAllIsRedelivered(t *testing.T) {
	refuse := batch.Each(func(_ context.Context, m events.SQSMessage) error {
		if m.Body == "bad" {
			return errors.New("refused")
		}
		return nil
	})
	crash := func(messages batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return func(yield func(batch.Result[events.SQSMessage]) bool) {
			for r := range messages {
				yield(r)
			}
			panic("oh")
		}
	}
	large := func(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.Map(records, func(events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
			return batch.FirehoseRecord{Data: bytes.Repeat([]byte("a"), 5<<20)}
		})
	}
	for name, c := range map[string]struct {
		handler        *batch.Handler
		event, verdict string
	}{
		"a message without an ID fails": {
			batch.SQSHandler(refuse),
			`{"Records":[{"messageId":"m-1","body":"good","eventSource":"aws:sqs"},{"messageId":"","body":"bad","eventSource":"aws:sqs"}]}`,
			"The invocation failed, so the service redelivers all 2 records.",
		},
		"the stage panics": {
			batch.SQSHandler(crash),
			`{"Records":[{"messageId":"m-1","body":"good","eventSource":"aws:sqs"},{"messageId":"m-2","body":"good","eventSource":"aws:sqs"}]}`,
			"The invocation failed, so the service redelivers all 2 records.",
		},
		"the response is too large for Firehose": {
			batch.FirehoseHandler(large),
			`{"deliveryStreamArn":"arn:aws:firehose:eu-west-1:1:deliverystream/s","records":[{"recordId":"r-1","data":""},{"recordId":"r-2","data":""}]}`,
			"The invocation failed, so Firehose repeats it with all 2 records.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var out, story bytes.Buffer
			is.Equal(local.Tell(c.handler, []byte(c.event), []string{"program"}, &out, &story), 1)
			is.Equal(out.String(), "")
			is.True(strings.Contains(story.String(), "\n\n"+c.verdict+"\nprogram: ")) // the error follows, no response
			is.True(!strings.Contains(story.String(), "None will be"))
			is.True(!strings.Contains(story.String(), "ProcessingFailed"))
		})
	}
}

func TestANullInTheListOfEventsIsNamed(t *testing.T) {
	is := is.New(t)
	var out, story bytes.Buffer
	handler := batch.KinesisWindowHandler(batch.Each(func(context.Context, events.KinesisEventRecord) error { return nil }),
		func(n int, _ events.KinesisEventRecord) int { return n }, func(context.Context, batch.Window, int) error { return nil })
	event := `{"window":{"start":"2025-11-23T08:00:00Z","end":"2025-11-23T08:01:00Z"},"state":{},"shardId":"s",
		"eventSourceARN":"arn:aws:kinesis:eu-west-1:1:stream/s","isFinalInvokeForWindow":false,"Records":[]}`
	is.Equal(local.TellWindow(handler, []byte("["+event+",null]"), []string{"program"}, &out, &story), 1)
	is.True(strings.HasSuffix(story.String(), "\nprogram: event 2 is null\n"))
}

func TestAFileThatIsNotAnEventHasNoStory(t *testing.T) {
	is := is.New(t)
	var out, story bytes.Buffer
	is.Equal(local.Tell(batch.SQSHandler(batch.Each(func(context.Context, events.SQSMessage) error { return nil })), []byte("{}"), []string{"program"}, &out, &story), 1)
	is.Equal(story.String(), "program: expected an SQS event, got an empty object\n")
}
