package batch_test

// The responses of other batch utilities, for users who migrate from those. A function fails if and only if the body
// contains "fail".

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// A conformance is one row of the table: input, options and the expected response.
type conformance struct {
	name     string
	services []service
	input    string // see recordSpecs
	receive  int    // the receive count of all messages
	opts     []batch.Option
	listed   []string
	all      int // how many causes the AllFailedError has; 0: no error
	calls    int // -1: one per record
}

var (
	queueAndShards = []service{standard, kinesis, dynamoDB}
	shards         = queueAndShards[1:]
	keepOn         = []batch.Option{batch.WithPolicy(batch.Continue)}
	stopAll        = []batch.Option{batch.WithPolicy(batch.StopBatch)}
	onlyFIFO       = []service{fifo}
)

var conformanceTable = []conformance{
	{"all succeed", queueAndShards, "1:ok 2:ok", 1, keepOn, []string{}, 0, -1},
	{"partial", queueAndShards, "1:fail 2:ok 3:fail", 1, keepOn, []string{"1", "3"}, 0, -1},
	{"all fail", queueAndShards, "1:fail 2:fail", 1, keepOn, []string{"1", "2"}, 2, -1},
	{"all fail, WithoutAllFailedError", queueAndShards, "1:fail 2:fail", 1, append(keepOn, batch.WithoutAllFailedError()), []string{"1", "2"}, 0, -1},
	{"shard, all succeed", shards, "1:ok 2:ok", 1, nil, []string{}, 0, 2},
	{"shard, partial", shards, "1:ok 2:fail 3:ok", 1, nil, []string{"2", "3"}, 0, 2},
	{"shard, the first fails", shards, "1:fail 2:ok 3:fail", 1, nil, []string{"1", "2", "3"}, 3, 1},
	{"shard, all fail", shards, "1:fail 2:fail", 1, nil, []string{"1", "2"}, 2, 1},
	{"shard, all fail, WithoutAllFailedError", shards, "1:fail 2:fail", 1, []batch.Option{batch.WithoutAllFailedError()}, []string{"1", "2"}, 0, 1},
	{"StopBatch", onlyFIFO, "1:ok@1 2:fail@2 3:ok@3 4:ok@4", 1, stopAll, []string{"2", "3", "4"}, 0, 2},
	{"StopGroup", onlyFIFO, "1:ok@1 2:ok@1 3:fail@2 4:ok@2 5:fail@3", 1, nil, []string{"3", "4", "5"}, 0, 4},
	{"StopGroup, first of a group", onlyFIFO, "1:fail@1 2:ok@1 3:fail@2 4:ok@2 5:ok@3", 1, nil, []string{"1", "2", "3", "4"}, 0, 3},
	{"first fails, StopBatch", onlyFIFO, "1:fail 2:ok 3:ok", 1, stopAll, []string{"1", "2", "3"}, 3, 1},
	{"StopGroup, on the last receive", onlyFIFO, "1:fail@1 2:ok@1 3:ok@1", 3, []batch.Option{batch.WithMaxReceives(3)}, []string{"1"}, 0, 3},
	{"fair queue", []service{standard}, "1:fail@1 2:ok@1", 1, nil, []string{"1"}, 0, 2},
}

// conform checks each row. respond returns the JSON of the response and the identifiers in it, or nil if there is only
// an error.
func conform(t *testing.T, respond func(s service, payload []byte, handle func(string) error, opts ...batch.Option) (string, []string, error)) {
	for _, row := range conformanceTable {
		for _, s := range row.services {
			t.Run(s.name+"/"+row.name, func(t *testing.T) {
				all := recordSpecs(row.input, row.receive)
				payload := s.payload(all)
				for range 2 { // one invocation must leave nothing for the next
					is := is.New(t)
					calls := 0
					handle := func(body string) error {
						calls++
						if strings.Contains(body, "fail") {
							return errBoom
						}
						return nil
					}
					var report batch.Report
					option := reportInto(&report)
					text, ids, err := respond(s, payload, handle, append(slices.Clone(row.opts), option)...)
					if row.all == 0 {
						is.NoErr(err)
					} else {
						var failed *batch.AllFailedError
						is.True(errors.As(err, &failed))
						is.Equal(len(failed.Unwrap()), row.all)
						is.True(errors.Is(err, errBoom))
					}
					if ids != nil || err == nil {
						is.Equal(ids, row.listed)
					}
					if err == nil && len(row.listed) == 0 {
						is.Equal(text, `{"batchItemFailures":[]}`)
					}
					want := row.calls
					if want < 0 {
						want = len(all)
					}
					is.Equal(calls, want)
					is.Equal(report.Blocked, len(all)-want)
					is.Equal(len(report.Failures), len(row.listed))
				}
			})
		}
	}
}

func TestRunConformsWithOtherBatchUtilities(t *testing.T) {
	conform(t, func(s service, payload []byte, handle func(string) error, opts ...batch.Option) (string, []string, error) {
		response, err := s.run(payload, handle, opts...)
		text, marshalErr := json.Marshal(response)
		is.New(t).NoErr(marshalErr)
		return string(text), listed(response), err
	})
}

func TestHandlersConformWithOtherBatchUtilities(t *testing.T) {
	conform(t, func(s service, payload []byte, handle func(string) error, opts ...batch.Option) (string, []string, error) {
		response, err := s.handler(handle, opts...).Invoke(context.Background(), payload)
		if err != nil {
			is.New(t).Equal(response, nil)
			return "", nil, err
		}
		return string(response), listedInJSON(t, response), nil
	})
}
