package main

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/internal/local"
)

func TestTheBuiltInEventIsTransformedRecordByRecord(t *testing.T) {
	is := is.New(t)
	var stdout, stderr bytes.Buffer
	is.Equal(local.Run(batch.FirehoseHandler(process, batch.WithLogger(nil)), builtIn, []string{"firehose"}, &stdout, &stderr), 0)
	is.Equal(stderr.String(), "")
	record := func(number, result, data, metadata string) string {
		return `{"recordId":"4954698668313554428650745793632162567570019247115678` + number + `","result":"` + result +
			`","data":"` + base64.StdEncoding.EncodeToString([]byte(data)) + `"` + metadata + `}`
	}
	keys := func(country, day string) string {
		return `,"metadata":{"partitionKeys":{"country":"` + country + `","day":"` + day + `"}}`
	}
	is.Equal(stdout.String(), `{"records":[`+strings.Join([]string{
		record("5151", "Ok", "08:00:00,/\n", keys("de", "2025-11-23")),
		record("5152", "Dropped", "", ""), // a health check
		record("5153", "Ok", "23:59:59,/cart\n", keys("fr", "2025-11-23")),
		record("5154", "ProcessingFailed", `{"page":"/car`, ""),                               // with its original data
		record("5155", "ProcessingFailed", `{"page":"/pay","at":"2025-11-24T00:00:00Z"}`, ""), // no country
	}, ",")+"]}\n")
}

func TestEachRecordIsDeliveredDroppedOrStoredInTheErrorPrefix(t *testing.T) {
	is := is.New(t)
	stream := batchtest.NewFirehose(batchtest.FirehoseConfig{BatchSize: 2})
	for _, data := range []string{
		`{"page":"/","country":"de","at":"2025-11-23T08:00:00Z"}`, `{"page":"/health","country":"de"}`, `{"page":"/"}`, `{`,
	} {
		stream.Put(batchtest.FirehoseRecord{ID: data, Data: []byte(data)})
	}
	run := stream.Drain(t.Context(), batch.FirehoseHandler(process, batch.WithLogger(nil)))
	is.NoErr(run.Err)
	is.Equal(len(run.Delivered), 1)
	is.Equal(string(run.Delivered[0].Data), "08:00:00,/\n")
	is.Equal(run.Delivered[0].PartitionKeys, map[string]string{"country": "de", "day": "2025-11-23"})
	is.Equal(run.Dropped, []string{`{"page":"/health","country":"de"}`})
	is.Equal(run.Failed, []string{`{"page":"/"}`, `{`})
}

func TestAPageMayHoldCommasQuotesAndLineFeeds(t *testing.T) {
	is := is.New(t)
	page := "/search?q=a,\"b\"\nc"
	record, err := csvLine(t.Context(), Click{Page: page, Country: "de"})
	is.NoErr(err)
	lines, err := csv.NewReader(bytes.NewReader(record.Data)).ReadAll()
	is.NoErr(err)
	is.Equal(lines, [][]string{{"00:00:00", page}})
}

func TestTheDayOfAClickIsInUTC(t *testing.T) {
	is := is.New(t)
	record, err := csvLine(t.Context(), Click{Page: "/", Country: "jp", At: time.Date(2025, 11, 24, 8, 30, 0, 0, time.FixedZone("", 9*60*60))})
	is.NoErr(err)
	is.Equal(string(record.Data), "23:30:00,/\n")
	is.Equal(record.PartitionKeys["day"], "2025-11-23")
}

func TestTheTemplateUsesThePartitionKeysOfTheFunction(t *testing.T) {
	is := is.New(t)
	template, err := os.ReadFile("template.yaml")
	is.NoErr(err)
	record, err := csvLine(t.Context(), Click{Country: "de"})
	is.NoErr(err)
	is.Equal(len(record.PartitionKeys), strings.Count(string(template), "partitionKeyFromLambda:"))
	for key := range record.PartitionKeys {
		is.True(strings.Contains(string(template), "!{partitionKeyFromLambda:"+key+"}"))
	}
}

func TestTheStageObeysTheLaws(t *testing.T) {
	data := rapid.SampledFrom([]Click{{Page: "/", Country: "de"}, {Page: "/health"}, {Page: "/cart"}})
	records := rapid.Map(data, func(c Click) events.KinesisFirehoseEventRecord {
		encoded, err := json.Marshal(c)
		is.New(t).NoErr(err)
		return events.KinesisFirehoseEventRecord{Data: encoded}
	})
	batchtest.CheckStage(t, records, process)
}
