package peers

// Events of another shape, and handlers that are built wrongly.

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

func TestAPayloadWithoutRecordsIsAnError(t *testing.T) {
	for _, payload := range []string{``, `null`, `{}`, `{"Records":null}`, `{"Records":"not a list"}`} {
		forEach(t, everySource, func(t *testing.T, s source) {
			is := is.New(t)
			var w worker
			response, err := s.handler(w.stage).Invoke(t.Context(), []byte(payload))
			is.Equal(response, nil)
			_, wrong := errors.AsType[*batch.PayloadError](err)
			is.True(wrong)
		})
	}
}

func TestAPayloadThatIsNoObjectIsAnError(t *testing.T) {
	for _, payload := range []string{`123456789`, `[]`, `false`, `"text"`} {
		t.Run(payload, func(t *testing.T) {
			is := is.New(t)
			var w worker
			_, err := standard.handler(w.stage).Invoke(t.Context(), []byte(payload))
			_, wrong := errors.AsType[*batch.PayloadError](err)
			is.True(wrong)
		})
	}
}

func TestHandlersCannotBeBuiltWithoutAFunction(t *testing.T) {
	for want, build := range map[string]func(){
		"batch: SQSHandler: stage is nil":      func() { batch.SQSHandler[string](nil) },
		"batch: KinesisHandler: stage is nil":  func() { batch.KinesisHandler[string](nil) },
		"batch: DynamoDBHandler: stage is nil": func() { batch.DynamoDBHandler[string](nil) },
		"batch: KafkaHandler: stage is nil":    func() { batch.KafkaHandler[string](nil) },
		"batch: Each: f is nil":                func() { batch.SQSHandler(batch.Each[events.SQSMessage](nil)) },
	} {
		t.Run(want, func(t *testing.T) {
			is := is.New(t)
			defer func() { is.True(strings.HasPrefix(fmt.Sprint(recover()), want)) }()
			build()
		})
	}
}

// The events that tests write by hand often have little more.
func TestARecordNeedsNothingButItsIdentifier(t *testing.T) {
	for _, test := range []struct {
		source  source
		records []fields
	}{
		{standard, []fields{{"messageId": "1"}, {"messageId": "2"}}},
		{kinesis, []fields{{"kinesis": fields{"sequenceNumber": "1"}}, {"kinesis": fields{"sequenceNumber": "2"}}}},
		{dynamoDB, []fields{{"dynamodb": fields{"SequenceNumber": "1"}}, {"dynamodb": fields{"SequenceNumber": "2"}}}},
	} {
		t.Run(test.source.name, func(t *testing.T) {
			is := is.New(t)
			var w worker
			response, err := test.source.handler(w.stage).Invoke(t.Context(), eventOf(test.records...))
			is.NoErr(err)
			is.Equal(string(response), reporting())
			is.Equal(len(w.called), 2)
		})
	}
}
