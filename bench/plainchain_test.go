package main

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

// The functions of the stages before and after the five. The five turn a body into half
// its length plus one, so 20 bytes become 11.

func checkBody(_ context.Context, m events.SQSMessage) (events.SQSMessage, error) {
	switch m.Body {
	case "refused":
		return m, errNegative
	case "panics":
		panic("body")
	}
	return m, nil
}

func keepSmall(n int) bool {
	if n == 11 {
		panic("eleven")
	}
	return n < 11
}

func checkNumber(_ context.Context, n int) error {
	switch n {
	case 1, 2, 12: // the stages before filter out 1 and 12
		return errNegative
	case 3:
		panic(errNegative)
	}
	return nil
}

func TestThePlainChainGivesTheSameResponseAsTheLibrary(t *testing.T) {
	is := is.New(t)
	event := messages(12)
	for i, body := range []string{
		"good body", // messages 1, 2, 5, 6 and 7 are reported
		"refused",
		"panics",
		"",                       // filtered out by the five
		"body that is too large", // filtered out after the five
		"a body of 20 bytes !",   // panics in a filter
		"four",                   // panics after the five
		"ok",                     // fails after the five
	} {
		event.Records[i].Body = body
	}

	library, err := batch.Collect(batch.TryEach(batch.Filter(libraryStages(batch.TryMap(batch.SQS(t.Context(), event), checkBody)), keepSmall), checkNumber))
	is.NoErr(err)
	want, err := json.Marshal(library)
	is.NoErr(err)

	kept := chainFilter(plainStages(chainMap(elements(t.Context(), event), checkBody)), keepSmall)
	checked := chainMap(kept, func(ctx context.Context, n int) (int, error) { return n, checkNumber(ctx, n) })
	response, err := json.Marshal(responseOf(event, checked))
	is.NoErr(err)
	is.Equal(string(response), string(want))
	is.Equal(string(response), `{"batchItemFailures":[`+
		`{"itemIdentifier":"message-1"},{"itemIdentifier":"message-2"},{"itemIdentifier":"message-5"},`+
		`{"itemIdentifier":"message-6"},{"itemIdentifier":"message-7"}]}`)
}

func TestThePlainChainReportsNothingForAGoodBatchAsTheLibraryDoes(t *testing.T) {
	is := is.New(t)
	event := messages(100)
	library, err := batch.Collect(libraryStages(batch.SQS(t.Context(), event)))
	is.NoErr(err)
	want, err := json.Marshal(library)
	is.NoErr(err)
	response, err := json.Marshal(plainChain(t.Context(), event))
	is.NoErr(err)
	is.Equal(string(response), string(want))
}
