package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// csvLine makes a line of a click. Firehose joins records without a separator, so each one ends with a
// line feed. The partition keys choose the folder: see Prefix in template.yaml.
func csvLine(_ context.Context, c Click) (batch.FirehoseRecord, error) {
	if c.Country == "" {
		return batch.FirehoseRecord{}, errNoCountry
	}
	return batch.FirehoseRecord{
		Data:          fmt.Appendf(nil, "%s,%s\n", c.At.Format(time.TimeOnly), c.Page),
		PartitionKeys: map[string]string{"country": c.Country, "day": c.At.Format(time.DateOnly)},
	}, nil
}
