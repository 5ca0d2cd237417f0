package batchtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

// stateful is an event of a shard with windows, with a state of any kind.
type stateful struct {
	Records                 []json.RawMessage
	State                   json.RawMessage
	IsFinalInvokeForWindow  bool
	IsWindowTerminatedEarly bool
}

// answering makes a handler that gives its nth event the nth response, and later ones an empty
// state. It logs the events.
func answering(log *[]string, responses ...string) function {
	return func(_ context.Context, payload []byte) ([]byte, error) {
		var event stateful
		decode(payload, &event)
		line := fmt.Sprintf("%d records, %d MB", len(event.Records), len(event.State)>>20)
		if event.IsWindowTerminatedEarly {
			line += ", early"
		}
		if event.IsFinalInvokeForWindow {
			line += ", final"
		}
		*log = append(*log, line)
		if n := len(*log); n <= len(responses) {
			return []byte(responses[n-1]), nil
		}
		return []byte(`{"state":{}}`), nil
	}
}

func stateOf(size int, listed string) string {
	return `{"state":"` + strings.Repeat("x", size) + `","batchItemFailures":[{"itemIdentifier":"` + listed + `"}]}`
}

func TestALargeStateOfAPartialResponseEndsTheWindowBeforeTheRestIsRedelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := pastShard(batchtest.ShardConfig{Window: time.Minute, NoRetries: true}, 3)
		var log []string
		run := shard.Drain(t.Context(), answering(&log, stateOf(1<<20, "2"), `{}`))
		is.Equal(log, []string{
			"3 records, 0 MB",
			"0 records, 1 MB, early", // its response has no state, so it is repeated
			"0 records, 1 MB, early",
			"2 records, 0 MB",
			"0 records, 0 MB, final",
		})
		is.Equal(run.Deleted, []string{"1", "2", "3"})
	})
}

func TestABatchThatNoLongerFitsWithTheStateIsRedeliveredInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{Window: time.Minute, MaxRetries: 1})
		start := time.Now().Add(-time.Hour).Truncate(time.Minute)
		for i := range 6 {
			shard.Put(batchtest.Record{ID: fmt.Sprint(i + 1), Arrived: start, Data: make([]byte, 700_000)}) // 930 KB in base64
		}
		var log []string
		most := 0
		answer := answering(&log, stateOf(1_000_000, "1"), stateOf(1_000_000, "3"), `{"state":{}}`, stateOf(0, "6"))
		run := shard.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
			most = max(most, len(payload))
			return answer(ctx, payload)
		}))
		is.True(most <= 6<<20)
		is.Equal(batches(run), [][]string{{"1", "2", "3", "4", "5", "6"}, {"1", "2", "3", "4", "5"}, {"3", "4", "5"}, {"6"}, {"6"}, nil}) // 6 may be tried again
		is.Equal(run.Deleted, []string{"1", "2", "3", "4", "5", "6"})
	})
}

func TestNothingIsLostByAResponseThatIsIgnoredAndHasNoState(t *testing.T) {
	is := is.New(t)
	shard := pastShard(batchtest.ShardConfig{Window: time.Minute, IgnoreResponse: true}, 1)
	var log []string
	run := shard.Drain(t.Context(), answering(&log, `{"batchItemFailures":[{"itemIdentifier":"1"}]}`))
	is.Equal(len(run.Invocations[0].Ignored), 0)
	is.Equal(run.Deleted, []string{"1"})
	is.Equal(run.String(), `record  1       2   3
1       failed  ok     deleted
invocation 1 failed: invalid response: it has no state, which the response of a window must have
`)
}
