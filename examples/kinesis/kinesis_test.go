package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/examples/internal/local"
)

func TestTheBuiltInEventSettlesPoisonRecordsAndIsRedeliveredFromTheFirstFailure(t *testing.T) {
	is := is.New(t)
	store := newStore("boiler", "cellar", "roof")
	var stdout, stderr bytes.Buffer
	is.Equal(local.Run(store.handler(), builtIn, []string{"kinesis"}, &stdout, &stderr), 0)
	is.Equal(stdout.String(), `{"batchItemFailures":[`+
		`{"itemIdentifier":"49590338271490256608559692538361571095921575989137868802"},`+ // not registered
		`{"itemIdentifier":"49590338271490256608559692538361571095921575989138124802"}]}`+"\n") // after it
	is.Equal(stderr.String(), "")
	is.Equal(len(store.letters), 2)
	is.Equal(store.letters["49590338271490256608559692538361571095921575989137100802"].Data, "21.5 degrees")
	is.Equal(store.letters["49590338271490256608559692538361571095921575989137356802"].Reason, "colder than absolute zero")
}

var start = time.Date(2025, 11, 23, 8, 0, 0, 0, time.UTC)

// filled is a shard with 100 readings of four sensors. Number 10 is broken, number 30 is of the sensor
// "late", which is not registered, and number 70 is impossible.
func filled(t *testing.T) (shard *batchtest.Shard, ids []string, good map[Key]float64) {
	t.Helper()
	is := is.New(t)
	shard = batchtest.NewShard(batchtest.ShardConfig{BatchSize: 40, MaxRetries: 3, Bisect: true})
	good = make(map[Key]float64)
	for i := range 100 {
		r := Reading{Sensor: fmt.Sprintf("s-%d", i%4), At: start.Add(time.Duration(i) * time.Second), Celsius: float64(i)}
		switch i {
		case 30:
			r.Sensor = "late"
		case 70:
			r.Celsius = -1000
		}
		data, err := json.Marshal(r)
		is.NoErr(err)
		if i == 10 {
			data = data[1:]
		}
		if i != 10 && i != 70 {
			good[Key{r.Sensor, r.At}] = r.Celsius
		}
		ids = append(ids, shard.Put(batchtest.Record{Key: r.Sensor, Data: data})...)
	}
	return shard, ids, good
}

func TestOnlyTheReadingThatIsNeverAcceptedIsGivenUp(t *testing.T) {
	is := is.New(t)
	shard, ids, good := filled(t)
	store := newStore("s-0", "s-1", "s-2", "s-3")
	run := shard.Drain(t.Context(), store.handler())
	is.NoErr(run.Err)
	is.Equal(run.DeadLettered, []string{ids[30]})
	delete(good, Key{"late", start.Add(30 * time.Second)})
	is.Equal(store.readings, good)
	is.Equal(len(store.letters), 2)
	for _, poison := range []string{ids[10], ids[70]} {
		is.True(store.letters[poison].Reason != "")
		is.Equal(run.Received(poison), 1) // it blocks no other record
	}
}

// A registering handler registers the sensor "late" before the delivery with this number.
type registering struct {
	lambda.Handler
	store      *Store
	delivery   int
	deliveries int
}

func (r *registering) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if r.deliveries++; r.deliveries == r.delivery {
		r.store.sensors["late"] = true
	}
	return r.Handler.Invoke(ctx, payload)
}

func TestAReadingThatIsAcceptedInTheEndIsNotLost(t *testing.T) {
	is := is.New(t)
	shard, _, good := filled(t)
	store := newStore("s-0", "s-1", "s-2", "s-3")
	run := shard.Drain(t.Context(), &registering{Handler: store.handler(), store: store, delivery: 4})
	is.NoErr(run.Err)
	is.Equal(run.DeadLettered, nil)
	is.Equal(store.readings, good)
	is.Equal(len(store.letters), 2)
}

func TestARecordWithoutDataIsLeftToTheOnFailureDestination(t *testing.T) {
	is := is.New(t)
	store := newStore()
	_, err := store.handler().Invoke(t.Context(), []byte(`{"Records":[{"eventSource":"aws:kinesis",
		"kinesis":{"sequenceNumber":"1","partitionKey":"roof","data":7}}]}`))
	_, ok := errors.AsType[*batch.DecodeError](err)
	is.True(ok)
	is.Equal(len(store.letters), 0)
}

func TestARealEventIsProcessed(t *testing.T) {
	is := is.New(t)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	is.NoErr(err)
	store := newStore()
	file := filepath.Join(strings.TrimSpace(string(module)), "events", "testdata", "kinesis-event.json")
	var stdout, stderr bytes.Buffer
	is.Equal(local.Run(store.handler(), builtIn, []string{"kinesis", file}, &stdout, &stderr), 0)
	is.Equal(stdout.String(), `{"batchItemFailures":[]}`+"\n")
	is.True(len(store.letters) > 0) // the event has no readings
}

func TestTheStageObeysTheLaws(t *testing.T) {
	data := rapid.SampledFrom([]string{
		`{"sensor":"s-1","celsius":20}`, `{"sensor":"s-1","celsius":-300}`, `{"sensor":"unknown","celsius":1}`, `{`,
	})
	records := rapid.Map(data, func(data string) events.KinesisEventRecord {
		return events.KinesisEventRecord{Kinesis: events.KinesisRecord{Data: []byte(data)}}
	})
	batchtest.CheckStage(t, records, newStore("s-1").process, batchtest.Recovers())
}
