package batchtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

// queueOf returns a FIFO queue with n messages of one group and at most two receives.
func queueOf(n int) *batchtest.Queue {
	q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 2})
	q.Send(numbered(n, "a")...)
	return q
}

func TestAPictureSaysWhyTheLibraryReportsARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 2})
		for _, id := range []string{"a-1", "a-2", "b-1", "b-2", "b-3"} {
			q.Send(batchtest.Message{ID: id, Group: id[:1]})
		}
		run := q.Drain(t.Context(), batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
			return batch.Parallel(s, 2, batch.Each(func(ctx context.Context, m events.SQSMessage) error {
				r, _ := batch.RecordFrom(ctx)
				switch {
				case m.MessageId == "a-1":
					return errNoGood
				case m.MessageId == "b-2" && r.Attempt == 1:
					time.Sleep(10 * time.Second)
				}
				return nil
			}))
		}, silent, batch.WithMaxReceives(2)))
		time.Sleep(time.Minute)
		is.Equal(drawn(t, run).rows(), []string{
			"a-1: failed, failed; dead-lettered",
			"a-2: blocked by another, finished; deleted",
			"b-1: finished; deleted",
			"b-2: still running, finished; deleted",
			"b-3: not reached, finished; deleted",
		})
		is.True(slices.Contains(drawn(t, run).texts(), "2.63s"))
	})
}

func TestReportsNameTheRecordsOfEverySource(t *testing.T) {
	for source, handler := range map[string]lambda.Handler{
		"sqs":      batch.SQSHandler(allFailing[events.SQSMessage], silent),
		"kinesis":  batch.KinesisHandler(allFailing[events.KinesisEventRecord], silent),
		"dynamodb": batch.DynamoDBHandler(allFailing[events.DynamoDBEventRecord], silent),
		"kafka":    batch.KafkaHandler(allFailing[events.KafkaRecord], silent),
	} {
		t.Run(source, func(t *testing.T) {
			is := is.New(t)
			run, _, _ := sources(false)[source](handler)
			is.True(len(run.Invocations) > 0)
			is.True(strings.HasPrefix(states(t, run), "failed"))
			is.True(!strings.Contains(states(t, run), "reported"))
		})
	}
}

func allFailing[A any](s batch.Stream[A]) batch.Stream[A] {
	return batch.TryEach(s, func(context.Context, A) error { return errNoGood })
}

func TestAPictureSaysWhyAllOfABatchFailed(t *testing.T) {
	is := is.New(t)
	run := queueOf(2).Drain(t.Context(), batch.SQSHandler(allFailing[events.SQSMessage], silent))
	is.Equal(drawn(t, run).rows(), []string{
		"m-1: failed, failed; dead-lettered",
		"m-2: blocked by another, blocked by another; dead-lettered",
	})
}

func TestRecordsListedWithoutAReasonAreDrawnAsReported(t *testing.T) {
	for name, test := range map[string]struct {
		handler function
		want    []string
	}{
		"a list": {listing(poisoned("m-1")), []string{
			"m-1: reported, reported; dead-lettered", "m-2: finished; deleted",
		}},
		"an error": {failing(anyOf(poisoned("m-1"))), []string{
			"m-1: reported, reported; dead-lettered", "m-2: reported, reported; dead-lettered",
		}},
		"an invalid response": {responding(`{"batchItemFailures":[{"itemIdentifier":""}]}`), []string{
			"m-1: reported, reported; dead-lettered", "m-2: reported, reported; dead-lettered",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			is.New(t).Equal(drawn(t, queueOf(2).Drain(t.Context(), test.handler)).rows(), test.want)
		})
	}
}

func TestAPictureOfAShardShowsRecordsRedeliveredWithoutBeingListed(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{NoRetries: true})
	shard.Put(batchtest.Record{ID: "1"}, batchtest.Record{ID: "2"}, batchtest.Record{ID: "3"})
	is.Equal(drawn(t, shard.Drain(t.Context(), listing(once("2")))).rows(), []string{
		"1: finished; deleted",
		"2: reported, finished; deleted",
		"3: finished, yet redelivered, finished; deleted",
	})
}

func TestAPictureShowsLostRecords(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{IgnoreResponse: true})
	q.Send(numbered(2, "")...)
	run := q.Drain(t.Context(), batch.SQSHandler(batch.Each(func(_ context.Context, m events.SQSMessage) error {
		if m.MessageId == "m-2" {
			return errNoGood
		}
		return nil
	}), silent))
	is.Equal(drawn(t, run).rows(), []string{"m-1: finished; deleted", "m-2: failed; lost"})
}

func TestAPictureShowsWhichRecordsRemainAndWhy(t *testing.T) {
	is := is.New(t)
	run := &batchtest.Run{
		Invocations: []batchtest.Invocation{{
			Records: []string{"m-1"}, Outcome: batchtest.Failure, Err: errors.New("one line\nand another"), Duration: 1234 * time.Millisecond,
		}},
		Err: batchtest.ErrEndless,
	}
	picture := drawn(t, run)
	is.Equal(picture.rows(), []string{"m-1: reported; still there"})
	is.Equal(picture.texts(), []string{
		"invocation", "1", "failure", "1.23s", "m-1", "still there", "ended early: the handler makes no progress", "reported",
	})
	is.Equal(picture.all("title")[0].Text, "invocation 1: failure after 1.234s: one line")
}

func TestAPictureOfNothingSaysSo(t *testing.T) {
	is.New(t).Equal(drawn(t, &batchtest.Run{}).texts(), []string{"no invocations"})
}

func TestShortDurationsAreNotDrawn(t *testing.T) {
	for duration, want := range map[time.Duration]string{
		9 * time.Millisecond:         "",
		10*time.Millisecond + 600000: "11ms",
		2625 * time.Millisecond:      "2.63s",
		15 * time.Minute:             "15m0s",
	} {
		run := &batchtest.Run{Invocations: []batchtest.Invocation{{Records: []string{"m-1"}, Done: []string{"m-1"}, Duration: duration}}}
		texts := drawn(t, run).texts()
		is.New(t).Equal(strings.Join(texts[2:slices.Index(texts, "m-1")], " "), strings.TrimSpace("success "+want))
	}
}

func TestAPictureOfAFirehoseShowsTheOutcomeOfEachRecord(t *testing.T) {
	is := is.New(t)
	records := firehoseOf(batchtest.FirehoseConfig{}, "info fine", "noise", "what")
	run := records.Drain(t.Context(), batch.FirehoseHandler(upper, silent))
	is.Equal(drawn(t, run).rows(), []string{
		"r-1: finished; delivered", "r-2: finished; dropped", "r-3: failed; error prefix",
	})
	down := firehoseOf(batchtest.FirehoseConfig{Retries: 1}, "x").Drain(t.Context(), responding("no JSON"))
	is.Equal(drawn(t, down).rows(), []string{"r-1: reported; error prefix"})
	ctx, cancel := context.WithCancel(t.Context())
	left := firehoseOf(batchtest.FirehoseConfig{}, "x").Drain(ctx, function(func(context.Context, []byte) ([]byte, error) {
		cancel()
		return nil, errNoGood
	}))
	is.Equal(drawn(t, left).rows(), []string{"r-1: reported; still there"})
}

func TestTheSameRunIsDrawnTheSameWay(t *testing.T) {
	is := is.New(t)
	draw := func(run drawable) string {
		var out bytes.Buffer
		is.NoErr(run.SVG(&out))
		return out.String()
	}
	synctest.Test(t, func(t *testing.T) {
		var pictures []string
		for range 3 {
			run := queueOf(9).Drain(t.Context(), batch.SQSHandler(batch.Each(func(_ context.Context, m events.SQSMessage) error {
				if m.MessageId == "m-5" {
					return errNoGood
				}
				return nil
			}), silent))
			pictures = append(pictures, draw(run), draw(run))
		}
		is.Equal(slices.Compact(pictures), pictures[:1])
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestDrawingAPictureReturnsTheErrorOfTheWriter(t *testing.T) {
	is.New(t).Equal((&batchtest.Run{}).SVG(brokenPipe{}), io.ErrClosedPipe)
}
