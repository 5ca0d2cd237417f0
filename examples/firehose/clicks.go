package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// A Click is the data of a record.
type Click struct {
	Page    string    `json:"page"`
	Country string    `json:"country"`
	At      time.Time `json:"at"`
}

// ByPerson is false for the health checks of the load balancer.
func (c Click) ByPerson() bool { return c.Page != "/health" }

var errNoCountry = errors.New("no country")

// process is the whole job. A ready result is Ok in the response, a filtered one is Dropped, and a failed
// one is ProcessingFailed. That is final: Firehose does not redeliver records.
func process(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	clicks := batch.Decode[Click](records, json.Unmarshal)
	people := batch.Filter(clicks, Click.ByPerson)
	return batch.TryMap(people, csvLine)
}

// csvLine makes a line of a click: the time and the page. Firehose joins records without a separator, so
// each one ends with a line feed. The partition keys choose the folder: see Prefix in template.yaml. Times
// and days are in UTC, whatever zone the click is from.
func csvLine(_ context.Context, c Click) (batch.FirehoseRecord, error) {
	if c.Country == "" {
		return batch.FirehoseRecord{}, errNoCountry
	}
	at := c.At.UTC()
	var line bytes.Buffer
	w := csv.NewWriter(&line) // quotes pages with commas, quotes or line feeds
	_ = w.Write([]string{at.Format(time.TimeOnly), c.Page})
	w.Flush() // a bytes.Buffer has no write errors
	return batch.FirehoseRecord{
		Data:          line.Bytes(),
		PartitionKeys: map[string]string{"country": c.Country, "day": at.Format(time.DateOnly)},
	}, nil
}
