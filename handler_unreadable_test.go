package batch_test

// Records whose group cannot be read may belong to any group.

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestAnUnreadableGroupHoldsBackAllLaterRecords(t *testing.T) {
	message := func(id, attributes string) string {
		return `{"messageId":"` + id + `","eventSource":"aws:sqs","eventSourceARN":"q.fifo","body":"{}","attributes":` + attributes + `}`
	}
	payload := []byte(`{"Records":[` + strings.Join([]string{
		message("a", `{"MessageGroupId":"g"}`), message("b", `"none"`), message("c", `{"MessageGroupId":"g"}`), message("d", `{"MessageGroupId":"h"}`),
	}, ",") + `]}`)
	for name, stage := range map[string]func(batch.Stream[events.SQSMessage], *effects) batch.Stream[events.SQSMessage]{
		"alone": func(s batch.Stream[events.SQSMessage], e *effects) batch.Stream[events.SQSMessage] {
			return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error { e.note(m.MessageId); return nil })
		},
		"in lanes": func(s batch.Stream[events.SQSMessage], e *effects) batch.Stream[events.SQSMessage] {
			return batch.Parallel(s, 4, func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
				s = batch.Tap(s, func(batch.Result[events.SQSMessage]) { time.Sleep(time.Second) })
				return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error { e.note(m.MessageId); return nil })
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var taken effects
				handler := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] { return stage(s, &taken) }, batch.WithLogger(nil))
				answer, err := handler.Invoke(t.Context(), payload)
				is.NoErr(err)
				is.Equal(string(answer), `{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"c"},{"itemIdentifier":"d"}]}`)
				is.Equal(taken.all, []string{"a"})
			})
		})
	}
}

// OrElse gives the unreadable record a value. Then it must keep its place in the order.
func TestARecordWithAnUnreadableGroupOvertakesNoRecordInLanes(t *testing.T) {
	for unreadable := range 3 {
		for _, lanes := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var records []string
				for i, group := range []string{`"g"`, `"h"`, `"i"`} {
					if i == unreadable {
						group = "7"
					}
					records = append(records, fmt.Sprintf(
						`{"messageId":"m%d","body":"%d","eventSource":"aws:sqs","eventSourceARN":"q.fifo","attributes":{"MessageGroupId":%s}}`, i, i, group))
				}
				var taken effects
				h := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) texts {
					return batch.Parallel(s, lanes, func(s batch.Stream[events.SQSMessage]) texts {
						values := batch.OrElse(batch.Map(s, func(m events.SQSMessage) string { return m.Body }),
							func(context.Context, error) (string, error) { return strconv.Itoa(unreadable), nil })
						return batch.TryEach(values, func(ctx context.Context, v string) error {
							time.Sleep(time.Duration(3-indexOf(v)) * time.Second)
							taken.note(v)
							return nil
						})
					})
				}, quiet)
				response, err := h.Invoke(context.Background(), []byte(`{"Records":[`+strings.Join(records, ",")+`]}`))
				is.NoErr(err)
				is.Equal(listedInJSON(t, response), []string{})
				is.Equal(taken.all, []string{"0", "1", "2"})
			})
		}
	}
}

// The reader stops at the first problem of a record, which need not be its key.
func TestAnUnreadableKeyHoldsBackLaterRecordsWhateverElseIsWrong(t *testing.T) {
	for _, other := range []string{`1`, `"never"`} {
		is := is.New(t)
		called := 0
		h := batch.DynamoDBHandler(batch.Each(func(context.Context, events.DynamoDBEventRecord) error { called++; return nil }),
			batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError(), quiet)
		answer, err := h.Invoke(context.Background(), []byte(`{"Records":[
			{"eventSource":"aws:dynamodb","dynamodb":{"ApproximateCreationDateTime":`+other+`,"Keys":{"id":{"Z":"1"}},"SequenceNumber":"1"}},
			{"eventSource":"aws:dynamodb","dynamodb":{"ApproximateCreationDateTime":1,"Keys":{"id":{"S":"1"}},"SequenceNumber":"2"}}]}`))
		is.NoErr(err)
		is.Equal(listedInJSON(t, answer), []string{"1", "2"})
		is.Equal(called, 0)
	}
}
