//go:build !race

package batch_test

// Events of 10,000 records, which is the most that a service sends. Not with the race detector: one goroutine does all of it.

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

const manyRecords = 10_000

// manyEvent writes an event of 10,000 records, and returns their identifiers.
func manyEvent(source string) (payload []byte, ids []string) {
	content := lo.Ternary(strings.HasPrefix(source, "DynamoDB"), `{"S":"a"}`, `"YQ=="`)
	records := make([]string, manyRecords)
	for i := range records {
		id := strconv.Itoa(i)
		ids = append(ids, lo.Ternary(source == "Kafka", "t-0/"+id, id))
		records[i] = fmt.Sprintf(forms[source].record, lo.Ternary(source == "Kafka", id, `"`+id+`"`), content, "1")
	}
	return fmt.Appendf(nil, forms[source].event, strings.Join(records, ",")), ids
}

func TestOfTenThousandRecordsExactlyTheFailedOnesAreReported(t *testing.T) {
	for source := range forms {
		payload, ids := manyEvent(source)
		for name, fails := range map[string]func(i int) bool{
			"none":         func(int) bool { return false },
			"all":          func(int) bool { return true },
			"every second": func(i int) bool { return i%2 == 1 },
			"the last":     func(i int) bool { return i == manyRecords-1 },
		} {
			t.Run(source+"/"+name, func(t *testing.T) {
				is := is.New(t)
				want := lo.Filter(ids, func(_ string, i int) bool { return fails(i) })
				w := witness{failing: fails}
				_, err := w.invoke(t, source, payload, batch.WithPolicy(batch.Continue))
				var all *batch.AllFailedError
				is.Equal(errors.As(err, &all), name == "all" && source != "Firehose") // Firehose lists every record
				is.Equal(err != nil, all != nil)
				is.Equal(w.called, manyRecords)
				is.True(slices.Equal(failedIDs(w.reports[0].Failures), want)) // the witness compares the response with that
			})
		}
	}
}

// Under the policies of the sources, a failure on a stream holds back what comes after it.
func TestOfTenThousandRecordsThoseAfterAFailureAreHeldBackOnAStream(t *testing.T) {
	for source, held := range map[string]bool{
		"SQS": false, "Firehose": false, "Kinesis": true, "DynamoDB": true, "Kafka": true, "Kinesis window": true, "DynamoDB window": true,
	} {
		t.Run(source, func(t *testing.T) {
			is := is.New(t)
			payload, ids := manyEvent(source)
			w := witness{failing: func(i int) bool { return i == manyRecords/2 }}
			_, err := w.invoke(t, source, payload)
			is.NoErr(err)
			want := ids[manyRecords/2 : manyRecords/2+1]
			if held {
				want = ids[manyRecords/2:]
			}
			is.True(slices.Equal(failedIDs(w.reports[0].Failures), want))
			is.Equal(w.called, lo.Ternary(held, manyRecords/2+1, manyRecords))
		})
	}
}
