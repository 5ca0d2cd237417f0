package batch_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// What the stage makes of a record.
const (
	toOk = iota
	toDropped
	toFailed
	toPanic
	toSeveral
	toOneOfSeveral
	toNothing // FlatMap makes no value of it
	toLost    // a stage drops it
	fates
)

// transform is a stage that does with each record what fate says for its data.
func transform(fate func(string) int) func(batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	return func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		data := batch.Map(s, func(r events.KinesisFirehoseEventRecord) string { return string(r.Data) })
		kept := batch.Filter(data, func(text string) bool { return fate(text) != toDropped })
		parts := batch.FlatMap(kept, func(text string) []string {
			switch fate(text) {
			case toSeveral:
				return []string{text, text}
			case toOneOfSeveral:
				return []string{text, ""}
			case toNothing:
				return nil
			}
			return []string{text}
		})
		single := batch.Filter(parts, func(text string) bool { return text != "" })
		out := batch.TryMap(single, func(_ context.Context, text string) (batch.FirehoseRecord, error) {
			switch fate(text) {
			case toFailed:
				return batch.FirehoseRecord{}, errors.New("no good")
			case toPanic:
				panic(text)
			}
			return batch.FirehoseRecord{Data: []byte("<" + text + ">"), PartitionKeys: map[string]string{"k": text}}, nil
		})
		return func(yield func(batch.Result[batch.FirehoseRecord]) bool) {
			for r := range out {
				source, _ := r.Record().Source.(*events.KinesisFirehoseEventRecord)
				if source != nil && fate(string(source.Data)) == toLost {
					continue
				}
				if !yield(r) {
					return
				}
			}
		}
	}
}

func TestTheFirehoseResponseListsEveryRecordOnceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(rapid.IntRange(0, fates-1), 0, 20).Draw(t, "fates")
		lanes := rapid.IntRange(0, 4).Draw(t, "lanes")
		event := events.KinesisFirehoseEvent{Records: lo.Times(len(drawn), func(i int) events.KinesisFirehoseEventRecord {
			return events.KinesisFirehoseEventRecord{RecordID: "r" + strconv.Itoa(i), Data: []byte(strconv.Itoa(i))}
		})}
		stage := transform(func(text string) int {
			i, _ := strconv.Atoi(text)
			return drawn[i]
		})
		if lanes > 0 {
			plain := stage
			stage = func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
				return batch.Parallel(s, lanes, plain)
			}
		}
		check := func(response batch.FirehoseResponse) {
			if len(response.Records) != len(drawn) {
				t.Fatalf("%d of %d records are in the response", len(response.Records), len(drawn))
			}
			for i, r := range response.Records {
				text := strconv.Itoa(i)
				want := batch.FirehoseResult{RecordID: "r" + text, Result: "ProcessingFailed", Data: []byte(text)}
				switch drawn[i] {
				case toOk, toOneOfSeveral:
					want.Result, want.Data = "Ok", []byte("<"+text+">")
					want.Metadata = &batch.FirehoseMetadata{PartitionKeys: map[string]string{"k": text}}
				case toDropped, toNothing:
					want.Result, want.Data = "Dropped", nil
				}
				got, _ := json.Marshal(r)
				expected, _ := json.Marshal(want)
				if string(got) != string(expected) {
					t.Fatalf("fate %d: got %s, want %s", drawn[i], got, expected)
				}
			}
		}
		response, err := batch.CollectFirehose(stage(batch.Firehose(context.Background(), event)))
		if err != nil {
			t.Fatal(err)
		}
		if len(drawn) > 0 && lo.EveryBy(drawn, func(f int) bool { return f == toLost }) {
			return // no result reaches CollectFirehose, so it cannot know the batch
		}
		check(response)

		payload, _ := json.Marshal(event)
		payload = append([]byte(`{"invocationId":"i","deliveryStreamArn":"d",`), payload[1:]...)
		answer, err := batch.FirehoseHandler(stage, batch.WithLogger(nil)).Invoke(context.Background(), payload)
		if event.Records == nil {
			return // "records": null is not a Firehose event
		}
		if err != nil {
			t.Fatal(err)
		}
		var decoded batch.FirehoseResponse
		if err := json.Unmarshal(answer, &decoded); err != nil {
			t.Fatal(err)
		}
		check(decoded)
	})
}

func TestFirehoseFailsARecordWithSeveralValues(t *testing.T) {
	is := is.New(t)
	var report batch.Report
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{{RecordID: "r-1", Data: []byte("0")}}}
	source := batch.Firehose(t.Context(), event, reportInto(&report))
	response, err := batch.CollectFirehose(transform(func(string) int { return toSeveral })(source))
	is.NoErr(err)
	is.Equal(response.Records[0].Result, "ProcessingFailed")
	is.Equal(report.Failed, 1)
	is.Equal(report.Failures[0].Err.Error(), "several values for one record")
}

func TestFirehoseRecordsOfTheCallerFailWithTheirData(t *testing.T) {
	is := is.New(t)
	s := batch.TryMap(batch.Of(events.KinesisFirehoseEventRecord{Data: []byte("a click")}),
		func(context.Context, events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
			return batch.FirehoseRecord{}, errBoom
		})
	response, err := batch.CollectFirehose(s)
	is.NoErr(err)
	is.Equal(response.Records, []batch.FirehoseResult{{RecordID: "0", Result: "ProcessingFailed", Data: []byte("a click")}})
}

func TestARecordOfAnotherSourceFailsInFirehoseWithoutData(t *testing.T) {
	is := is.New(t)
	s := batch.TryMap(batch.Of("a", "b"), func(_ context.Context, v string) (batch.FirehoseRecord, error) {
		return batch.FirehoseRecord{Data: []byte(v)}, failingOn("b")(t.Context(), v)
	})
	response, err := batch.CollectFirehose(s)
	is.NoErr(err)
	is.Equal(response.Records, []batch.FirehoseResult{ // only events of Firehose have data that can be returned
		{RecordID: "0", Result: "Ok", Data: []byte("a")},
		{RecordID: "1", Result: "ProcessingFailed"},
	})
}

func TestAPanicAsAFirehosePipelineIsBuiltFailsTheInvocation(t *testing.T) {
	is := is.New(t)
	h := batch.FirehoseHandler(func(batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		panic("no table")
	}, batch.WithLogger(nil))
	answer, err := h.Invoke(t.Context(), []byte(`{"invocationId":"i","deliveryStreamArn":"d","records":[{"recordId":"r-1","data":"eA=="}]}`))
	is.Equal(len(answer), 0)
	_, panicked := errors.AsType[*batch.PanicError](err)
	is.True(panicked)
}

func TestAFirehoseRecordThatDoesNotDecodeFailsAlone(t *testing.T) {
	is := is.New(t)
	h := batch.FirehoseHandler(transform(func(string) int { return toOk }), batch.WithLogger(nil))
	answer, err := h.Invoke(t.Context(), []byte(`{"invocationId":"i","deliveryStreamArn":"d","records":[
		{"recordId":"r-1","data":"eA=="},{"recordId":"r-2","data":"no base64!"}]}`))
	is.NoErr(err)
	var response batch.FirehoseResponse
	is.NoErr(json.Unmarshal(answer, &response))
	is.Equal(response.Records[0].Result, "Ok")
	is.Equal(response.Records[1].RecordID, "r-2")
	is.Equal(response.Records[1].Result, "ProcessingFailed")
}

func TestAFirehoseRecordWithoutAnIdentifierFailsTheBatch(t *testing.T) {
	is := is.New(t)
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: []byte("x")}, {Data: []byte("y")}, {Data: []byte("z")},
	}}
	_, err := batch.CollectFirehose(transform(func(string) int { return toOk })(batch.Firehose(t.Context(), event)))
	is.True(errors.Is(err, batch.ErrNoID))
	is.Equal(err.Error(), "record 1 of the batch: no identifier")
}

func TestAResponseTooLargeForFirehoseIsAnError(t *testing.T) {
	is := is.New(t)
	grow := func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.Map(s, func(events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
			return batch.FirehoseRecord{Data: make([]byte, 5<<20)} // 6.7 MB in base64
		})
	}
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{{RecordID: "r-1"}}}
	_, err := batch.CollectFirehose(grow(batch.Firehose(t.Context(), event)))
	is.True(errors.Is(err, batch.ErrTooLarge))
	_, err = batch.FirehoseHandler(grow).Invoke(t.Context(), []byte(`{"invocationId":"i","deliveryStreamArn":"d","records":[{"recordId":"r-1","data":""}]}`))
	is.True(errors.Is(err, batch.ErrTooLarge))
}

func TestTheResponseForAnMSKRecordKeepsItsFormat(t *testing.T) {
	is := is.New(t)
	h := batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		s = batch.TryEach(s, func(ctx context.Context, r events.KinesisFirehoseEventRecord) error {
			original, _ := batch.SourceFrom[events.KinesisFirehoseEventRecord](ctx)
			original.Data = []byte("overwritten")
			return failingOn("fail")(ctx, string(r.Data))
		})
		s = batch.Filter(s, func(r events.KinesisFirehoseEventRecord) bool { return string(r.Data) != "drop" })
		return batch.Map(s, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
			return batch.FirehoseRecord{Data: r.Data, PartitionKeys: map[string]string{"k": "v"}}
		})
	}, quiet)
	const head = `{"invocationId":"i","sourceMSKArn":"m","deliveryStreamArn":"d","records":[`
	answer, err := h.Invoke(t.Context(), []byte(head+`
		{"recordId":"1","mskRecordMetadata":{"offset":"0","partitionId":"1"},"kafkaRecordValue":"b2s="},
		{"recordId":"2","mskRecordMetadata":{"offset":"1","partitionId":"1"},"kafkaRecordValue":"ZHJvcA=="},
		{"recordId":"3","data":"ZmFpbA=="},
		{"recordId":"4","mskRecordMetadata":{"offset":"2","partitionId":"1"},"kafkaRecordValue":"ZmFpbA=="}]}`))
	is.NoErr(err)
	is.Equal(string(answer), `{"records":[`+
		`{"recordId":"1","result":"Ok","kafkaRecordValue":"b2s=","metadata":{"partitionKeys":{"k":"v"}}},`+
		`{"recordId":"2","result":"Dropped","kafkaRecordValue":""},`+
		`{"recordId":"3","result":"ProcessingFailed","data":"ZmFpbA=="},`+
		`{"recordId":"4","result":"ProcessingFailed","kafkaRecordValue":"ZmFpbA=="}]}`)

	const bad = `{"recordId":"5","kafkaRecordValue":"no base64!"}`
	answer, err = h.Invoke(t.Context(), []byte(head+bad+`]}`))
	is.NoErr(err)
	is.Equal(string(answer), `{"records":[{"recordId":"5","result":"ProcessingFailed","kafkaRecordValue":"`+
		base64.StdEncoding.EncodeToString([]byte(bad))+`"}]}`)
}

func TestTheFirehoseResponseContainsOnlyTheTableFieldsThatAreSet(t *testing.T) {
	for _, test := range []struct {
		keys  map[string]string
		table *batch.FirehoseTable
		want  string
	}{
		{nil, nil, ``},
		{nil, &batch.FirehoseTable{}, ``},
		{map[string]string{}, &batch.FirehoseTable{}, ``},
		{
			nil, &batch.FirehoseTable{Database: "shop", Name: "orders", Operation: events.KinesisFirehoseOTFOperationUpdate},
			`,"metadata":{"otfMetadata":{"destinationDatabaseName":"shop","destinationTableName":"orders","operation":"update"}}`,
		},
		{
			nil, &batch.FirehoseTable{Database: "shop", Name: "orders"},
			`,"metadata":{"otfMetadata":{"destinationDatabaseName":"shop","destinationTableName":"orders"}}`,
		},
		{nil, &batch.FirehoseTable{Operation: "delete"}, `,"metadata":{"otfMetadata":{"operation":"delete"}}`},
		{
			map[string]string{"k": "v"}, &batch.FirehoseTable{Name: "orders"},
			`,"metadata":{"partitionKeys":{"k":"v"},"otfMetadata":{"destinationTableName":"orders"}}`,
		},
	} {
		is := is.New(t)
		for _, field := range []string{"data", "kafkaRecordValue"} {
			h := batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
				return batch.Map(s, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
					return batch.FirehoseRecord{Data: r.Data, PartitionKeys: test.keys, Table: test.table}
				})
			})
			answer, err := h.Invoke(t.Context(), []byte(`{"deliveryStreamArn":"d","records":[{"recordId":"1","`+field+`":"YQ=="}]}`))
			is.NoErr(err)
			is.Equal(string(answer), `{"records":[{"recordId":"1","result":"Ok","`+field+`":"YQ=="`+test.want+`}]}`)
		}
	}
}
