package batch_test

// Records whose group cannot be read may belong to any group.

import (
	"context"
	"errors"
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

// The group of a Kafka record is its partition, which is known whatever the record is.
func TestAKafkaRecordThatCannotBeReadHoldsBackOnlyItsPartition(t *testing.T) {
	is := is.New(t)
	var taken effects
	h := batch.KafkaHandler(batch.Each(func(_ context.Context, r events.KafkaRecord) error { taken.note(r.Topic); return nil }), quiet)
	_, err := h.Invoke(t.Context(), []byte(`{"eventSource":"aws:kafka","records":{
		"a-0":[5,{"topic":"a","partition":0,"offset":4,"value":"aQ=="}],
		"b-1":[{"topic":"b","partition":1,"offset":7,"value":"aQ=="}]}}`))
	is.True(errors.Is(err, batch.ErrNoID)) // the unreadable record has no offset
	is.Equal(taken.all, []string{"b"})
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

// A record is bad because of its first problem, which need not be its key.
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

func TestAGroupThatCannotBeReadIsNoticedInEveryNotation(t *testing.T) {
	handlers := map[string]func(*effects) *batch.Handler{
		"SQS": func(e *effects) *batch.Handler {
			return batch.SQSHandler(batch.Each(func(_ context.Context, m events.SQSMessage) error { e.note(m.MessageId); return nil }), strictly...)
		},
		"Kinesis": func(e *effects) *batch.Handler {
			return batch.KinesisHandler(batch.Each(func(_ context.Context, r events.KinesisEventRecord) error {
				e.note(r.Kinesis.SequenceNumber)
				return nil
			}), strictly...)
		},
		"DynamoDB": func(e *effects) *batch.Handler {
			return batch.DynamoDBHandler(batch.Each(func(_ context.Context, r events.DynamoDBEventRecord) error {
				e.note(r.Change.SequenceNumber)
				return nil
			}), strictly...)
		},
	}
	const sqs, stream, table = `{"messageId":"2","body":5,%s}`, `{"eventSourceARN":5,%s}`, `{"eventName":5,%s}`
	for _, c := range []struct {
		source, record, rest string
		readable             bool
	}{
		{"SQS", sqs, `"attributes":{"MessageGroupId":5}`, false},
		{"SQS", sqs, `"ATTRIBUTES":[]`, false},
		{"SQS", sqs, `"attributes":null`, false},
		{"SQS", sqs, `"attributes":{"MessageGroupId":"h"}`, true},
		{"SQS", sqs, `"attributes":{"MessageGroupId":"h"},"attributes":[]`, false}, // the second may name another group
		{"SQS", sqs, `"attributes":{"ApproximateReceiveCount":5}`, true},
		{"SQS", sqs, `"awsRegion":[]`, true},
		{"Kinesis", stream, `"kinesis":{"sequenceNumber":"2","PartitionKey":{}}`, false},
		{"Kinesis", stream, `"kinesis":{"sequenceNumber":"2"},"Kinesis":1`, false},
		{"Kinesis", stream, `"kinesis":{"sequenceNumber":"2","partitionKey":"h"}`, true},
		{"Kinesis", stream, `"kinesis":{"sequenceNumber":"2","data":5}`, true},
		{"DynamoDB", table, `"dynamodb":{"SequenceNumber":"2","keys":5}`, false},
		{"DynamoDB", table, `"dynamodb":{"SequenceNumber":"2"},"dynamodb":5`, false},
		{"DynamoDB", table, `"dynamodb":{"SequenceNumber":"2"},"dynamodb":null`, false},
		{"DynamoDB", table, `"dynamodb":{"SequenceNumber":"2","Keys":{"id":{"BS":[5]}}}`, false},
		{"DynamoDB", table, `"dynamodb":{"SequenceNumber":"2","Keys":{"id":{"BS":[null]}}}`, false},
		{"DynamoDB", table, `"dynamodb":{"SequenceNumber":"2","Keys":{"id":{"S":"g","N":"1"}}}`, false},
		{"DynamoDB", table, `"dynamodb":{"SequenceNumber":"2","Keys":{"id":{"S":"h"}}}`, true},
		{"DynamoDB", table, `"dynamodb":{"SequenceNumber":"2","NewImage":{"id":{"Z":"g"}}}`, true},
	} {
		t.Run(c.source+"/"+c.rest, func(t *testing.T) {
			is := is.New(t)
			third := map[string]string{
				"SQS":      `{"messageId":"3","attributes":{"MessageGroupId":"g"},"eventSourceARN":"q.fifo"}`,
				"Kinesis":  `{"kinesis":{"sequenceNumber":"3","partitionKey":"g"}}`,
				"DynamoDB": `{"dynamodb":{"SequenceNumber":"3","Keys":{"id":{"S":"g"}}}}`,
			}[c.source]
			first := strings.ReplaceAll(third, `"3"`, `"1"`)
			var taken effects
			answer, err := handlers[c.source](&taken).Invoke(t.Context(), []byte(`{"Records":[`+first+`,`+fmt.Sprintf(c.record, c.rest)+`,`+third+`]}`))
			is.NoErr(err)
			if c.readable {
				is.Equal(listedInJSON(t, answer), []string{"2"})
				is.Equal(taken.all, []string{"1", "3"})
			} else {
				is.Equal(listedInJSON(t, answer), []string{"2", "3"})
				is.Equal(taken.all, []string{"1"})
			}
		})
	}
}

var strictly = []batch.Option{batch.WithPolicy(batch.StopGroup), quiet}
