package batch_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

type (
	namedText  string
	namedBytes []byte
)

func TestDecodeFindsThePayload(t *testing.T) {
	data := []byte(`"x"`)
	record := batch.Record{ID: "a"}
	check := func(name string, decoded batch.Result[string]) {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			v, ok := decoded.Value()
			is.True(ok)
			is.Equal(v, "x")
		})
	}
	check("text", one(batch.Decode[string](batch.Of(string(data)), json.Unmarshal)))
	check("named text", one(batch.Decode[string](batch.Of(namedText(data)), json.Unmarshal)))
	check("bytes", one(batch.Decode[string](batch.Of(data), json.Unmarshal)))
	check("named bytes", one(batch.Decode[string](batch.Of(namedBytes(data)), json.Unmarshal)))
	check("raw JSON", one(batch.Decode[string](batch.Of(json.RawMessage(data)), json.Unmarshal)))
	check("SQS", one(batch.Decode[string](batch.Of(events.SQSMessage{Body: string(data)}), json.Unmarshal)))
	check("Kinesis", one(batch.Decode[string](batch.Of(events.KinesisEventRecord{Kinesis: events.KinesisRecord{Data: data}}), json.Unmarshal)))
	check("Firehose", one(batch.Decode[string](batch.Of(events.KinesisFirehoseEventRecord{Data: data}), json.Unmarshal)))
	encoded := base64.StdEncoding.EncodeToString(data)
	kafka := func(value string) batch.Stream[events.KafkaRecord] {
		return batch.From(t.Context(), []events.KafkaRecord{{Value: value}}, func(events.KafkaRecord) batch.Record { return record })
	}
	check("Kafka", one(batch.Decode[string](kafka(encoded), json.Unmarshal)))
	var corrupt base64.CorruptInputError
	is.New(t).True(errors.As(one(batch.Decode[string](kafka("%"), json.Unmarshal)).Err(), &corrupt))
}

func TestDecodeGivesTheCodecBytesThatItMayKeep(t *testing.T) {
	is := is.New(t)
	var kept [][]byte
	s := batch.Decode[map[string]int](batch.Of(`{"a":1}`, `{"b":2}`, `{`, `{"c":3}`), func(b []byte, v any) error {
		kept = append(kept, b)
		return json.Unmarshal(b, v)
	})
	values, failures := batch.Partition(s)
	is.Equal(values, []map[string]int{{"a": 1}, {"b": 2}, {"c": 3}})
	is.Equal(len(failures), 1)
	for i, want := range []string{`{"a":1}`, `{"b":2}`, `{`, `{"c":3}`} {
		is.Equal(string(kept[i]), want)
		kept[i] = append(kept[i], "overwritten"...)
	}
}

// decodeOne returns the error of Decode for one record.
func decodeOne[T any, P batch.Payload](record P, unmarshal func([]byte, any) error) (*batch.DecodeError, error) {
	source := batch.From(context.Background(), []P{record}, func(P) batch.Record { return batch.Record{ID: "m-1"} })
	err := one(batch.Decode[T](source, unmarshal)).Err()
	bad, _ := errors.AsType[*batch.DecodeError](err)
	return bad, err
}

func TestEveryCodecsErrorIsADecodeError(t *testing.T) {
	v2 := func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) }
	own := func([]byte, any) error { return errBoom }
	type order struct{ At time.Time }
	for name, unmarshal := range map[string]func([]byte, any) error{"encoding/json": json.Unmarshal, "json/v2": v2, "another": own} {
		for _, body := range []string{"{", `{"At":"yesterday"}`, `{"At":7}`, `[]`} {
			t.Run(name+" "+body, func(t *testing.T) {
				is := is.New(t)
				bad, err := decodeOne[order](events.SQSMessage{Body: body}, unmarshal)
				is.True(bad != nil)
				is.Equal(bad.ID, "m-1")
				is.Equal(bad.Field, "body")
				is.True(!errors.Is(err, batch.ErrNoValue))
				is.Equal(err.Error(), "body: "+bad.Err.Error())
				is.True(name != "another" || errors.Is(err, errBoom))
			})
		}
	}
}

func TestADecodeErrorSaysWhichFieldDoesNotDecode(t *testing.T) {
	is := is.New(t)
	field := func(bad *batch.DecodeError, _ error) string { return bad.Field }
	is.Equal(field(decodeOne[int](events.SQSMessage{Body: "x"}, json.Unmarshal)), "body")
	is.Equal(field(decodeOne[int](events.KinesisEventRecord{Kinesis: events.KinesisRecord{Data: []byte("x")}}, json.Unmarshal)), "kinesis.data")
	is.Equal(field(decodeOne[int](events.KafkaRecord{Value: "eA=="}, json.Unmarshal)), "value")
	is.Equal(field(decodeOne[int](events.KafkaRecord{Value: "%"}, json.Unmarshal)), "value")
	is.Equal(field(decodeOne[int](events.KinesisFirehoseEventRecord{Data: []byte("x")}, json.Unmarshal)), "data")
	is.Equal(field(decodeOne[int]("x", json.Unmarshal)), "")
	is.Equal(field(decodeOne[int](namedBytes("x"), json.Unmarshal)), "")
}

func TestATombstoneHasNoValue(t *testing.T) {
	is := is.New(t)
	never := func([]byte, any) error { t.Error("called"); return nil }
	bad, err := decodeOne[int](events.KafkaRecord{}, never)
	is.True(errors.Is(err, batch.ErrNoValue))
	is.Equal(*bad, batch.DecodeError{ID: "m-1", Field: "value", Err: batch.ErrNoValue})
	is.Equal(err.Error(), "value: no value")
}

func TestACorruptValueIsNotATombstone(t *testing.T) {
	is := is.New(t)
	for _, value := range []string{"_w==", "%", "e", "e30"} {
		bad, err := decodeOne[int](events.KafkaRecord{Value: value}, json.Unmarshal)
		_, corrupt := errors.AsType[base64.CorruptInputError](err)
		is.True(corrupt)
		is.True(!errors.Is(err, batch.ErrNoValue))
		is.Equal(bad.Field, "value")
	}
}

// A codec that accepts an empty message decodes it.
func TestAnEmptyPayloadThatTheCodecRefusesHasNoValue(t *testing.T) {
	all := []byte(nil)
	taking := func(data []byte, v any) error { *v.(*string) = string(data); return nil }
	for name, decode := range map[string]func(func([]byte, any) error) error{
		"SQS": func(u func([]byte, any) error) error {
			_, err := decodeOne[string](events.SQSMessage{}, u)
			return err
		},
		"Kinesis": func(u func([]byte, any) error) error {
			_, err := decodeOne[string](events.KinesisEventRecord{}, u)
			return err
		},
		"Firehose": func(u func([]byte, any) error) error {
			_, err := decodeOne[string](events.KinesisFirehoseEventRecord{}, u)
			return err
		},
		"bytes": func(u func([]byte, any) error) error { _, err := decodeOne[string](all, u); return err },
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			err := decode(json.Unmarshal)
			is.True(errors.Is(err, batch.ErrNoValue))
			is.True(strings.HasSuffix(err.Error(), "no value: unexpected end of JSON input"))
			syntax, ok := errors.AsType[*json.SyntaxError](err)
			is.True(ok && syntax.Offset == 0)
			is.NoErr(decode(taking))
		})
	}
}

func TestSettlingATombstoneLetsItsPartitionContinue(t *testing.T) {
	for _, value := range []string{`,"value":null`, ``, `,"value":""`} {
		t.Run(value, func(t *testing.T) {
			is := is.New(t)
			payload := `{"eventSource":"aws:kafka","records":{"t-0":[
				{"topic":"t","partition":0,"offset":1,"key":"a2V5"` + value + `},
				{"topic":"t","partition":0,"offset":2,"key":"a2V5","value":"eyJJRCI6Im8tMiJ9"}]}}`
			var stored []string
			process := func(s batch.Stream[events.KafkaRecord]) batch.Stream[Order] {
				orders := batch.Catch(batch.Decode[Order](s, json.Unmarshal), func(_ context.Context, err error) error {
					if errors.Is(err, batch.ErrNoValue) {
						return nil
					}
					return err
				})
				return batch.TryEach(orders, func(_ context.Context, o Order) error { stored = append(stored, o.ID); return nil })
			}
			response, err := batch.KafkaHandler(process).Invoke(t.Context(), []byte(payload))
			is.NoErr(err)
			is.Equal(string(response), `{"batchItemFailures":[]}`)
			is.Equal(stored, []string{"o-2"})
		})
	}
}
