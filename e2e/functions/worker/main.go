// Worker is a Lambda function whose records say what happens to them. It writes each try
// and each effect to the test's ledger.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/once"
)

func main() {
	w := worker{ledger: ledger.Client{URL: os.Getenv("LEDGER")}, lanes: envInt("LANES", 1)}
	w.effect = w.store
	if url := os.Getenv("DYNAMODB"); url != "" {
		keys := once.DynamoDB(mapping.NewDynamoDB(url), os.Getenv("KEYS"))
		w.effect = once.Each(keys, func(o order) string { return o.ID }, w.store)
	}
	var options []batch.Option
	if n := envInt("MAX_RECEIVES", 0); n > 0 {
		options = append(options, batch.WithMaxReceives(n))
	}
	if server := os.Getenv("REDELIVER"); server != "" {
		option, err := redeliverOption(server)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, option)
	}
	lambda.Start(observable{handler(w, os.Getenv("SOURCE"), options)})
}

func handler(w worker, source string, options []batch.Option) lambda.Handler {
	switch source {
	case "kinesis":
		return batch.KinesisHandler(stage[events.KinesisEventRecord](w), options...)
	case "kafka":
		return batch.KafkaHandler(stage[events.KafkaRecord](w), options...)
	default:
		return batch.SQSHandler(stage[events.SQSMessage](w), options...)
	}
}

func envInt(name string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return otherwise
	}
	return n
}

// stage is the pipeline for the records of one source.
func stage[R batch.Payload](w worker) func(batch.Stream[R]) batch.Stream[order] {
	process := func(records batch.Stream[R]) batch.Stream[order] {
		orders := batch.Decode[order](records, json.Unmarshal)
		tried := batch.TryMap(panicOnBreak(orders), w.try)
		stored := batch.TryEach(tried, w.effect)
		return batch.Catch(stored, w.giveUp)
	}
	if w.lanes == 1 {
		return process
	}
	return func(records batch.Stream[R]) batch.Stream[order] {
		return batch.Parallel(records, w.lanes, process)
	}
}

// panicOnBreak is a stage that panics on "break", outside of any call that the library
// guards.
func panicOnBreak(orders batch.Stream[order]) batch.Stream[order] {
	return func(yield func(batch.Result[order]) bool) {
		for r := range orders {
			if o, ok := r.Value(); ok && o.Script[0] == "break" {
				panic("the stage is broken")
			}
			if !yield(r) {
				return
			}
		}
	}
}

type worker struct {
	ledger ledger.Client
	lanes  int
	effect func(context.Context, order) error // store, or store wrapped by once
}

// store ignores the end of its context, so that the ledger sees every call.
func (w worker) store(ctx context.Context, o order) error {
	_, err := w.ledger.Write(context.WithoutCancel(ctx), ledger.Store, o.ID)
	return err
}
