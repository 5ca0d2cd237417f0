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

// ByPerson reports whether the click is no health check of the load balancer.
func (c Click) ByPerson() bool { return c.Page != "/health" }

var errNoCountry = errors.New("no country")

// process is the whole job. A ready result is Ok in the response, a filtered one is Dropped, and a failed
// one is ProcessingFailed. That is final: Firehose does not redeliver records.
func process(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	clicks := batch.Decode[Click](records, json.Unmarshal)
	people := batch.Filter(clicks, Click.ByPerson)
	return batch.TryMap(people, line)
}

// line is the click as a line of a file. Firehose puts records together as they are, so a line ends with
// its line feed. The partition keys choose the folder: see Prefix in template.yaml.
func line(_ context.Context, c Click) (batch.FirehoseRecord, error) {
	if c.Country == "" {
		return batch.FirehoseRecord{}, errNoCountry
	}
	return batch.FirehoseRecord{
		Data:          fmt.Appendf(nil, "%s,%s\n", c.At.Format(time.TimeOnly), c.Page),
		PartitionKeys: map[string]string{"country": c.Country, "day": c.At.Format(time.DateOnly)},
	}, nil
}
