package batchtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
)

func firehoseOf(config batchtest.FirehoseConfig, data ...string) *batchtest.Firehose {
	f := batchtest.NewFirehose(config)
	for i, d := range data {
		f.Put(batchtest.FirehoseRecord{ID: fmt.Sprintf("r-%d", i+1), Data: []byte(d)})
	}
	return f
}

func TestFirehoseKeepsTrackOfTheOutcomeOfEachRecord(t *testing.T) {
	is := is.New(t)
	errBad := errors.New("bad")
	handler := batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		kept := batch.Filter(s, func(r events.KinesisFirehoseEventRecord) bool { return string(r.Data) != "noise" })
		return batch.TryMap(kept, func(_ context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
			if string(r.Data) == "bad" {
				return batch.FirehoseRecord{}, errBad
			}
			return batch.FirehoseRecord{Data: []byte(strings.ToUpper(string(r.Data))), PartitionKeys: map[string]string{"k": "v"}}, nil
		})
	}, batch.WithLogger(nil))
	run := firehoseOf(batchtest.FirehoseConfig{BatchSize: 2}, "bad", "noise", "good").Drain(t.Context(), handler)
	is.NoErr(run.Err)
	is.Equal(len(run.Invocations), 2)
	is.Equal(run.Invocations[0].Outcome, batchtest.Partial)
	is.Equal(run.Invocations[0].Listed, []string{"r-1"})
	is.Equal(run.Invocations[1].Outcome, batchtest.Success)
	is.Equal(run.Failed, []string{"r-1"})
	is.Equal(run.Dropped, []string{"r-2"})
	is.Equal(run.Delivered, []batchtest.Delivery{{ID: "r-3", Data: []byte("GOOD"), PartitionKeys: map[string]string{"k": "v"}}})
}

func TestFirehoseSendsAFailedBatchAgain(t *testing.T) {
	is := is.New(t)
	errDown := errors.New("down")
	down := 2
	handler := function(func(_ context.Context, payload []byte) ([]byte, error) {
		if down--; down >= 0 {
			return nil, errDown
		}
		return []byte(`{"records":[{"recordId":"r-1","result":"Ok","data":"eA=="}]}`), nil
	})
	run := firehoseOf(batchtest.FirehoseConfig{}, "x").Drain(t.Context(), handler)
	is.Equal(len(run.Invocations), 3)
	is.Equal(len(run.Delivered), 1)
	is.Equal(run.Failed, nil)

	down = 99
	run = firehoseOf(batchtest.FirehoseConfig{Retries: 1}, "x").Drain(t.Context(), handler)
	is.Equal(len(run.Invocations), 2)
	is.Equal(run.Failed, []string{"r-1"})
	run = firehoseOf(batchtest.FirehoseConfig{NoRetries: true}, "x").Drain(t.Context(), handler)
	is.Equal(len(run.Invocations), 1)
	is.Equal(run.Invocations[0].Err, errDown)
}

func TestAnInvalidResponseToFirehoseFailsTheWholeBatch(t *testing.T) {
	ok := `{"recordId":"r-1","result":"Ok","data":"eA=="}`
	for response, want := range map[string]string{
		``:                                    "it has no list of records",
		`{"records":null}`:                    "it has no list of records",
		`[1]`:                                 "it is not an object",
		`{"records":[` + ok + `]}`:            `"r-2" is missing`,
		`{"records":[` + ok + `,` + ok + `]}`: `record 1: "r-1" appears twice`,
		`{"records":[{"recordId":"r-9","result":"Ok","data":""}]}`: `record 0: "r-9" is not in the batch`,
		`{"records":[{"result":"Ok","data":""}]}`:                  "record 0: it has no recordId",
		`{"records":[1]}`: "record 0: it is not an object",
		`{"records":[{"recordId":"r-1","result":"OK","data":""}]}`:                                      `record 0: result "OK" is not Ok, Dropped or ProcessingFailed`,
		`{"records":[{"recordId":"r-1","data":""}]}`:                                                    `record 0: result (none) is not Ok, Dropped or ProcessingFailed`,
		`{"records":[{"recordId":"r-1","result":"Dropped","data":null}]}`:                               "record 0: it has no data",
		`{"records":[{"recordId":"r-1","result":"Ok","data":"?"}]}`:                                     "record 0: data is not base64",
		`{"records":[{"recordId":"r-1","result":"Ok","data":"","metadata":1}]}`:                         "record 0: metadata is not an object",
		`{"records":[{"recordId":"r-1","result":"Ok","data":"","metadata":{"partitionKeys":{"k":1}}}]}`: "record 0: metadata.partitionKeys is not an object of strings",
	} {
		is := is.New(t)
		run := firehoseOf(batchtest.FirehoseConfig{}, "x", "y").Drain(t.Context(), responding(response))
		is.Equal(len(run.Invocations), 1) // without a retry
		is.True(errors.Is(run.Invocations[0].Err, batchtest.ErrVoid))
		is.Equal(run.Invocations[0].Err.Error(), "invalid response: "+want)
		is.Equal(run.Failed, []string{"r-1", "r-2"})
	}
}

func TestAResponseToFirehoseHasASizeLimit(t *testing.T) {
	is := is.New(t)
	run := firehoseOf(batchtest.FirehoseConfig{}, "x").Drain(t.Context(), responding(strings.Repeat(" ", 6<<20+1)))
	is.Equal(run.Invocations[0].Err, batchtest.ErrTooLarge)
	is.Equal(run.Failed, []string{"r-1"})
}

func TestAFirehoseEventStaysWithinItsLimit(t *testing.T) {
	is := is.New(t)
	large := strings.Repeat("x", 1<<20)
	most := 0
	handler := function(func(_ context.Context, payload []byte) ([]byte, error) {
		most = max(most, len(payload))
		var event events.KinesisFirehoseEvent
		is.NoErr(json.Unmarshal(payload, &event))
		is.True(event.InvocationID != "" && event.DeliveryStreamArn != "" && !event.Records[0].ApproximateArrivalTimestamp.IsZero())
		return nil, nil
	})
	// Decoding 6 MB may take seconds on a busy machine.
	config := batchtest.FirehoseConfig{Timeout: time.Minute}
	run := firehoseOf(config, large, large, large, large, large, large).Drain(t.Context(), handler)
	is.Equal(len(run.Invocations), 2)
	is.True(most > 5<<20 && most <= 6<<20)
}

func TestAFirehoseThatEndsEarlyKeepsTheRemainingRecords(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := firehoseOf(batchtest.FirehoseConfig{}, "x")
	run := f.Drain(ctx, responding(""))
	is.Equal(run.Err, context.Canceled)
	is.Equal(len(run.Invocations), 0)
	is.Equal(f.Drain(t.Context(), responding("")).Failed, []string{"r-1"})
}

func TestTheTableOfAFirehoseHasARecordThatIsStillThere(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	run := firehoseOf(batchtest.FirehoseConfig{}, "x", "y").Drain(ctx, function(func(context.Context, []byte) ([]byte, error) {
		cancel()
		return nil, errNoGood
	}))
	table, _, _ := strings.Cut(run.String(), "invocation 1")
	is.Equal(table, lines(
		"record               data",
		"r-1     still there",
		"r-2     still there",
	))
}

func TestASettingThatFirehoseRefusesPanics(t *testing.T) {
	for want, config := range map[string]batchtest.FirehoseConfig{
		"batchtest: BatchSize: -1 is not between 1 and 10000":                   {BatchSize: -1},
		"batchtest: Retries: 301 is not between 0 and 300":                      {Retries: 301},
		"batchtest: NoRetries: Retries is also set":                             {Retries: 1, NoRetries: true},
		"batchtest: Timeout: 6m0s is longer than Firehose waits, which is 5m0s": {Timeout: 6 * 60e9},
	} {
		func() {
			defer func() { is.New(t).Equal(recover(), want) }()
			batchtest.NewFirehose(config)
		}()
	}
}
