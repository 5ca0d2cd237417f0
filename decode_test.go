package batch_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"
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

func TestDecodeMakesANewValueOfBytesThatMayBeKept(t *testing.T) {
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
