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

func TestTheStorySaysWhatCameAndWhatBecameOfItAndWhy(t *testing.T) {
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
	is.Equal(story, `4 records came:

  m-1        good                                               done
  m-222222…  bad                                                failed: refused
  m-3        long long long long long…long long long long long  blocked by record "m-222222…"
  m-4        worse                                              panic: oh (story_test.go:34 local_test.TestTheStorySaysWhatCameAndWhatBecameOfItAndWhy.func1)

3 of 4 are redelivered: 2 failed, 1 blocked. The answer:

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
	is.True(strings.HasSuffix(story, "2 of 3 are redelivered: 1 failed, since a shard is read again from the first one listed. The answer:\n\n"))
	_, story = tell(t, handler, `{"Records":[`+record("1", "Z29vZA==")+`]}`)
	is.True(strings.HasSuffix(story, "Nothing is redelivered. The answer:\n\n"))
}

func TestWhatIsNoEventHasNoStory(t *testing.T) {
	is := is.New(t)
	var out, story bytes.Buffer
	is.Equal(local.Tell(batch.SQSHandler(batch.Each(func(context.Context, events.SQSMessage) error { return nil })), []byte("{}"), []string{"program"}, &out, &story), 1)
	is.Equal(story.String(), "program: expected an SQS event, got an empty object\n")
}
