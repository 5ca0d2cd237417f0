package batchtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
)

// sources drain a source of each kind. It has two records and redelivers none. first and second
// identify them as a response does.
func sources(ignore bool) map[string]func(lambda.Handler) (run *batchtest.Run, first, second string) {
	shard := func(source batchtest.Source) func(lambda.Handler) (*batchtest.Run, string, string) {
		return func(handler lambda.Handler) (*batchtest.Run, string, string) {
			s := batchtest.NewShard(batchtest.ShardConfig{Source: source, NoRetries: true, IgnoreResponse: ignore})
			ids := s.Put(batchtest.Record{Key: "a"}, batchtest.Record{Key: "b"})
			return s.Drain(context.Background(), handler), quoted(ids[0]), quoted(ids[1])
		}
	}
	return map[string]func(lambda.Handler) (*batchtest.Run, string, string){
		"sqs": func(handler lambda.Handler) (*batchtest.Run, string, string) {
			q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 1, IgnoreResponse: ignore})
			ids := q.Send(batchtest.Message{}, batchtest.Message{})
			return q.Drain(context.Background(), handler), quoted(ids[0]), quoted(ids[1])
		},
		"kinesis":  shard(batchtest.Kinesis),
		"dynamodb": shard(batchtest.DynamoDB),
		"kafka": func(handler lambda.Handler) (*batchtest.Run, string, string) {
			topic := batchtest.NewTopic(batchtest.TopicConfig{NoRetries: true, IgnoreResponse: ignore})
			topic.Put(batchtest.KafkaRecord{}, batchtest.KafkaRecord{})
			return topic.Drain(context.Background(), handler),
				`{"partition":"topic-0","offset":0}`, `{"partition":"topic-0","offset":1}`
		},
	}
}

func quoted(id string) string { return `"` + id + `"` }

func TestAResponseIsReadAsTheServiceReadsIt(t *testing.T) {
	const success, partial, failure = batchtest.Success, batchtest.Partial, batchtest.Failure
	tests := map[string]struct {
		response string // ID1 and ID2 stand for the identifiers of the records
		outcome  batchtest.Outcome
	}{
		"nothing":                                   {``, success},
		"null":                                      {`null`, success},
		"an empty object":                           {`{}`, success},
		"an empty string":                           {`""`, success},
		"an empty list instead of an object":        {`[]`, success},
		"a null list":                               {`{"batchItemFailures":null}`, success},
		"an empty list":                             {`{"batchItemFailures":[]}`, success},
		"a key with a capital letter":               {`{"BatchItemFailures":[{"itemIdentifier":ID1}]}`, success},
		"another key":                               {`{"failures":[{"itemIdentifier":ID1}]}`, success},
		"white space":                               {" \n", success},
		"one record":                                {`{"batchItemFailures":[{"itemIdentifier":ID2}]}`, partial},
		"one record twice":                          {`{"batchItemFailures":[{"itemIdentifier":ID2},{"itemIdentifier":ID2}]}`, partial},
		"every record":                              {`{"batchItemFailures":[{"itemIdentifier":ID2},{"itemIdentifier":ID1}]}`, partial},
		"additional keys":                           {`{"a":1,"batchItemFailures":[{"b":2,"itemIdentifier":ID2}]}`, partial},
		"an empty identifier":                       {`{"batchItemFailures":[{"itemIdentifier":""}]}`, failure},
		"a null identifier":                         {`{"batchItemFailures":[{"itemIdentifier":null}]}`, failure},
		"a number as the identifier":                {`{"batchItemFailures":[{"itemIdentifier":123}]}`, failure},
		"a list as the identifier":                  {`{"batchItemFailures":[{"itemIdentifier":[ID1]}]}`, failure},
		"half an object as the identifier":          {`{"batchItemFailures":[{"itemIdentifier":{"partition":"topic-0"}}]}`, failure},
		"an identifier under another key":           {`{"batchItemFailures":[{"ItemIdentifier":ID1}]}`, failure},
		"an unknown identifier":                     {`{"batchItemFailures":[{"itemIdentifier":"m-9"}]}`, failure},
		"an unknown offset":                         {`{"batchItemFailures":[{"itemIdentifier":{"partition":"topic-0","offset":9}}]}`, failure},
		"a null entry":                              {`{"batchItemFailures":[null]}`, failure},
		"an entry that is not an object":            {`{"batchItemFailures":[ID1]}`, failure},
		"an object instead of the list":             {`{"batchItemFailures":{"itemIdentifier":ID1}}`, failure},
		"one invalid identifier of two":             {`{"batchItemFailures":[{"itemIdentifier":ID1},{"itemIdentifier":""}]}`, failure},
		"invalid JSON":                              {`{"batchItemFailures":[`, failure},
		"two values":                                {`{} {}`, failure},
		"a string":                                  {`"done"`, failure},
		"a number":                                  {`200`, failure},
		"a list with an entry instead of an object": {`[{"itemIdentifier":ID1}]`, failure},
		"an identifier in another identifier":       {`{"batchItemFailures":[{"itemIdentifier":{"itemIdentifier":ID1}}]}`, failure},
	}
	for source, deliver := range sources(false) {
		for name, test := range tests {
			t.Run(source+"/"+name, func(t *testing.T) {
				is := is.New(t)
				_, first, second := deliver(responding(""))
				fill := strings.NewReplacer("ID1", first, "ID2", second)
				run, _, _ := deliver(responding(fill.Replace(test.response)))

				invocation := run.Invocations[0]
				is.Equal(invocation.Outcome, test.outcome)
				is.Equal(invocation.Err != nil, test.outcome == batchtest.Failure)
				is.Equal(len(run.Deleted)+len(run.DeadLettered), 2)
				switch test.outcome {
				case batchtest.Success:
					is.Equal(run.Deleted, invocation.Records)
				case batchtest.Partial:
					is.Equal(invocation.Listed[len(invocation.Listed)-1], invocation.Records[1])
				case batchtest.Failure:
					is.Equal(run.DeadLettered, invocation.Records)
					is.Equal(len(invocation.Listed), 0)
				}
			})
		}
	}
}

func TestAnInvalidResponseGivesTheReason(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 1})
	q.Send(batchtest.Message{ID: "m-1"})
	run := q.Drain(t.Context(), responding(`{"batchItemFailures":[{"itemIdentifier":"m-9"}]}`))
	err := run.Invocations[0].Err
	is.True(errors.Is(err, batchtest.ErrVoid))
	is.Equal(err.Error(), `invalid response: entry 0: "m-9" is not in the batch`)
}

func TestAResponseMayHaveSixMegabytes(t *testing.T) {
	is := is.New(t)
	for _, test := range []struct {
		size int
		err  error
	}{{6 << 20, nil}, {6<<20 + 1, batchtest.ErrTooLarge}} {
		q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 1})
		q.Send(batchtest.Message{})
		run := q.Drain(t.Context(), responding("{}"+strings.Repeat(" ", test.size-2)))
		is.Equal(run.Invocations[0].Err, test.err)
	}
}

func TestAnErrorOverridesTheListInTheResponse(t *testing.T) {
	for source, deliver := range sources(false) {
		t.Run(source, func(t *testing.T) {
			is := is.New(t)
			_, _, second := deliver(responding(""))
			run, _, _ := deliver(function(func(context.Context, []byte) ([]byte, error) {
				return fmt.Appendf(nil, `{"batchItemFailures":[{"itemIdentifier":%s}]}`, second), errNoGood
			}))
			is.Equal(run.Invocations[0].Outcome, batchtest.Failure)
			is.Equal(run.Invocations[0].Err, errNoGood)
			is.Equal(run.DeadLettered, run.Invocations[0].Records)
		})
	}
}

func TestWithoutReportBatchItemFailuresTheListedRecordsAreLost(t *testing.T) {
	for source, deliver := range sources(true) {
		t.Run(source, func(t *testing.T) {
			is := is.New(t)
			run, _, _ := deliver(listing(func(record) bool { return true }))
			is.Equal(run.Invocations[0].Outcome, batchtest.Success)
			is.Equal(run.Deleted, run.Invocations[0].Records) // although the response lists them

			run, _, _ = deliver(responding(`no JSON`))
			is.Equal(run.Invocations[0].Outcome, batchtest.Success)

			run, _, _ = deliver(failing(func([]record) bool { return true }))
			is.Equal(run.DeadLettered, run.Invocations[0].Records)

			run, _, _ = deliver(responding(strings.Repeat(" ", 6<<20+1)))
			is.Equal(run.Invocations[0].Err, batchtest.ErrTooLarge)
		})
	}
}
