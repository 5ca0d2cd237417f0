package batchtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/samber/lo"
)

// FirehoseConfig describes a Firehose stream and the function that transforms its records. The zero
// value has the service's defaults.
type FirehoseConfig struct {
	// BatchSize is the maximum number of records in an event. It defaults to 500 and is at most
	// 10,000. An event never exceeds 6 MB, unless a single record does.
	BatchSize int

	// Retries is how often a batch is sent again after a failed invocation, whatever failed. AWS
	// documents retries only for network time-outs and for the invocation limit. It defaults to 3
	// and is at most 300. NoRetries is the service's 0.
	Retries   int
	NoRetries bool

	// Timeout is the function's: it ends the context of each invocation. It defaults to three
	// seconds and is at most five minutes, which is how long Firehose waits.
	Timeout time.Duration
}

func (c FirehoseConfig) checked() FirehoseConfig {
	c.BatchSize = cmp.Or(c.BatchSize, 500)
	inRange("BatchSize", c.BatchSize, 1, 10_000)
	inRange("Retries", c.Retries, 0, 300)
	switch {
	case c.NoRetries && c.Retries > 0:
		panic("batchtest: NoRetries: Retries is also set")
	case !c.NoRetries:
		c.Retries = cmp.Or(c.Retries, 3)
	}
	c.Timeout = functionTimeout(c.Timeout)
	if c.Timeout > 5*time.Minute {
		panic(fmt.Sprintf("batchtest: Timeout: %v is longer than Firehose waits, which is 5m0s", c.Timeout))
	}
	return c
}

// FirehoseRecord is a record to put into a [Firehose].
type FirehoseRecord struct {
	ID   string // must be unique; if empty, one of the service's length is assigned
	Data []byte
}

// Firehose is a Firehose stream in memory. A function transforms its records. Its methods may be
// called concurrently, and by a handler, but only one Drain at a time.
//
// Firehose retries every failed invocation. AWS documents retries only for network time-outs and for
// the invocation limit, so the service may give up a batch after the first error of the function. Test
// a handler with NoRetries too.
type Firehose struct {
	config   FirehoseConfig
	draining draining

	mu      sync.Mutex
	puts    int
	waiting []firehoseEntry
}

type firehoseEntry struct {
	FirehoseRecord
	arrived time.Time
}

// NewFirehose makes an empty stream. It panics if a setting is outside the service's limits, but
// allows a shorter Timeout than the service, for short tests.
func NewFirehose(config FirehoseConfig) *Firehose {
	return &Firehose{config: config.checked()}
}

// Put adds records to the stream and returns their IDs.
func (f *Firehose) Put(records ...FirehoseRecord) []string {
	requireMade(f.config.Timeout, "NewFirehose")
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, r := range records {
		f.puts++
		r.ID = cmp.Or(r.ID, fmt.Sprintf("4957873408644225903749749298062023384040017339048%07d000000", f.puts))
		f.waiting = append(f.waiting, firehoseEntry{r, time.Now()})
		ids = append(ids, r.ID)
	}
	return ids
}

// Drain sends the stream's records through the handler, batch by batch, until none is left or ctx
// ends. It reads each response as Firehose does:
//
//   - If an invocation fails, its batch is sent again. After the last retry, the records go to the
//     error prefix.
//   - If a response breaks a rule, all records of the batch go to the error prefix at once.
//   - Otherwise, only the records whose result is ProcessingFailed go there.
//
// Drain waits until every call of the handler has returned, even one that outlived its deadline,
// unless ctx ends first. The handler can respond until a second after that.
func (f *Firehose) Drain(ctx context.Context, handler lambda.Handler) *FirehoseRun {
	requireMade(f.config.Timeout, "NewFirehose")
	d := newDrain(ctx, handler, f.config.Timeout, false, true)
	if !f.draining.begin(d) {
		return &FirehoseRun{Err: errDraining}
	}
	defer f.draining.end()
	run := &FirehoseRun{}
	for batch, event := f.next(); len(batch) > 0 && !d.ended(); batch, event = f.next() {
		f.transform(d, run, batch, event)
	}
	d.finish()
	run.Invocations, run.Err = d.run.Invocations, d.run.Err
	return run
}

type firehoseEvent struct {
	InvocationID string                `json:"invocationId"`
	StreamARN    string                `json:"deliveryStreamArn"`
	Region       string                `json:"region"`
	Records      []firehoseEventRecord `json:"records"`
}

type firehoseEventRecord struct {
	ID      string                       `json:"recordId"`
	Arrived events.MilliSecondsEpochTime `json:"approximateArrivalTimestamp"`
	Data    []byte                       `json:"data"`
}

// next returns the next batch and its event.
func (f *Firehose) next() ([]firehoseEntry, firehoseEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	event := firehoseEvent{
		StreamARN: "arn:aws:firehose:" + region + ":" + account + ":deliverystream/stream",
		Region:    region,
	}
	size := eventOverhead
	for _, e := range f.waiting[:min(len(f.waiting), f.config.BatchSize)] {
		record := firehoseEventRecord{e.ID, events.MilliSecondsEpochTime{Time: e.arrived}, notNil(e.Data)}
		size += len(marshal(record)) + 1
		if size > maxPayload && len(event.Records) > 0 {
			break
		}
		event.Records = append(event.Records, record)
	}
	return f.waiting[:len(event.Records)], event
}

// transform invokes the function with a batch until the end of each record is known, or the Drain
// must end.
func (f *Firehose) transform(d *drain, run *FirehoseRun, batch []firehoseEntry, event firehoseEvent) {
	ids := lo.Map(batch, func(e firehoseEntry, _ int) string { return e.ID })
	for try := 0; !d.ended(); try++ {
		event.InvocationID = uuid(len(d.run.Invocations) + 1)
		inv := d.invoke(ids, event)
		inv.Outcome = Failure
		final := try == f.config.Retries && !matches(inv.Err, errInterrupted)
		if inv.Err == nil {
			final = true
			var records []transformed
			if records, inv.Err = readFirehoseResponse(inv.Response, ids); inv.Err == nil {
				inv.Outcome = run.settle(records, &inv)
			}
		}
		if final {
			inv.Done = ids
			f.remove(len(batch))
			if inv.Err != nil {
				run.Failed = append(run.Failed, ids...)
			}
		}
		d.run.Invocations = append(d.run.Invocations, inv)
		if final {
			return
		}
	}
}

func (f *Firehose) remove(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = slices.Clone(f.waiting[n:])
}

// FirehoseRun says what became of the records of one Drain. The lists are in the order in which that
// became known.
type FirehoseRun struct {
	Invocations []Invocation

	Delivered []Delivery
	Dropped   []string // IDs
	Failed    []string // IDs of the records that went to the error prefix

	// Err says why the Drain ended while records were left. See Run.Err.
	Err error
}

// Delivery is a record that Firehose delivers.
type Delivery struct {
	ID            string
	Data          []byte
	PartitionKeys map[string]string // for dynamic partitioning
}

func (r *FirehoseRun) settle(records []transformed, inv *Invocation) Outcome {
	outcome := Success
	for _, record := range records {
		switch record.result {
		case events.KinesisFirehoseTransformedStateOk:
			r.Delivered = append(r.Delivered, Delivery{record.id, record.data, record.keys})
		case events.KinesisFirehoseTransformedStateDropped:
			r.Dropped = append(r.Dropped, record.id)
		default:
			r.Failed = append(r.Failed, record.id)
			inv.Listed = append(inv.Listed, record.id)
			outcome = Partial
		}
	}
	return outcome
}

// String returns a table with a row per record: what became of it, its delivered data, and its
// partition keys. A record is still there if the Drain ended early. Below the table is the first line
// of each error.
func (r *FirehoseRun) String() string {
	delivered := lo.KeyBy(r.Delivered, func(d Delivery) string { return d.ID })
	ids, fates := r.fates()
	rows := [][]string{{"record", "", "data", ""}}
	for i, name := range shortened(ids) {
		d, ok := delivered[ids[i]]
		data := ""
		if ok {
			data = shown(d.Data)
		}
		rows = append(rows, []string{name, fates[ids[i]], data, assignments(d.PartitionKeys)})
	}
	var out strings.Builder
	writeTable(&out, rows)
	writeErrors(&out, r.Invocations, r.Err)
	return out.String()
}

func assignments(keys map[string]string) string {
	names := slices.Sorted(maps.Keys(keys))
	return strings.Join(lo.Map(names, func(name string, _ int) string { return name + "=" + keys[name] }), " ")
}

// fates returns how each record ended, and the records in the order in which the handler received them.
func (r *FirehoseRun) fates() (ids []string, fates map[string]string) {
	ids = lo.Uniq(lo.FlatMap(r.Invocations, func(i Invocation, _ int) []string { return i.Records }))
	fates = lo.Associate(ids, func(id string) (string, string) { return id, stillThere })
	for _, d := range r.Delivered {
		fates[d.ID] = "delivered"
	}
	for _, id := range r.Dropped {
		fates[id] = "dropped"
	}
	for _, id := range r.Failed {
		fates[id] = "error prefix"
	}
	return ids, fates
}
