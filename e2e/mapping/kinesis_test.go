package mapping

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// settle delivers the records to a function that cannot process bad. If lists is true,
// the function lists it, otherwise the invocation fails. settle returns the records of
// each invocation, and the discarded ones.
func settle(t *testing.T, shard Shard, lists bool, bad string, records ...string) (deliveries []string, discarded string) {
	t.Helper()
	is := is.New(t)
	shard.Invoke = func(payload []byte, _ time.Duration) (sandbox.Outcome, error) {
		var event struct {
			Records []struct{ Kinesis kinesisData }
		}
		is.NoErr(json.Unmarshal(payload, &event))
		got := lo.Map(event.Records, func(r struct{ Kinesis kinesisData }, _ int) string { return r.Kinesis.SequenceNumber })
		deliveries = append(deliveries, strings.Join(got, " "))
		switch {
		case !slices.Contains(got, bad):
			return sandbox.Outcome{Body: []byte(`{}`)}, nil
		case lists:
			return sandbox.Outcome{Body: []byte(`{"batchItemFailures":[{"itemIdentifier":"` + bad + `"}]}`)}, nil
		default:
			return sandbox.Outcome{End: sandbox.Failed}, nil
		}
	}
	batch := lo.Map(records, func(r string, _ int) types.Record { return types.Record{SequenceNumber: aws.String(r)} })
	is.NoErr(shard.settle(t.Context(), batch))
	is.Equal(shard.Checkpoint, records[len(records)-1])
	ids := lo.Map(shard.Discarded, func(r types.Record, _ int) string { return aws.ToString(r.SequenceNumber) })
	return deliveries, strings.Join(ids, " ")
}

func TestTheRetriesRestartWhenTheCheckpointMoves(t *testing.T) {
	is := is.New(t)
	deliveries, discarded := settle(t, Shard{MaxRetries: 3}, true, "5", "3", "4", "5")
	is.Equal(deliveries, []string{"3 4 5", "5", "5", "5", "5"})
	is.Equal(discarded, "5")
}

func TestAnErrorHalvesTheBatchWithoutARetry(t *testing.T) {
	is := is.New(t)
	deliveries, discarded := settle(t, Shard{MaxRetries: 1, Bisect: true}, false, "2", "1", "2", "3", "4")
	is.Equal(deliveries, []string{"1 2 3 4", "1 2", "1", "2", "2", "3 4"})
	is.Equal(discarded, "2")
}

func TestWithoutBisectionTheRestOfTheBatchIsDiscardedUntried(t *testing.T) {
	is := is.New(t)
	deliveries, discarded := settle(t, Shard{MaxRetries: 1}, true, "2", "1", "2", "3")
	is.Equal(deliveries, []string{"1 2 3", "2 3", "2 3"})
	is.Equal(discarded, "2 3")
}
