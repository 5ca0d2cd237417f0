package batchtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// FirehoseConfig is a Firehose stream with the function that transforms its records.
// The zero value has the service's defaults.
type FirehoseConfig struct {
	// BatchSize is the most records that one event has: 500 unless set, at most
	// 10,000. An event stays within 6 MB.
	BatchSize int

	// Retries is how often a batch is sent again whose invocation failed: 3 unless
	// set, at most 300. NoRetries is the service's 0.
	Retries   int
	NoRetries bool

	// Timeout is the function's: the context of an invocation ends after it. Three
	// seconds unless set, at most the five minutes that Firehose waits.
	Timeout time.Duration
}

func (c FirehoseConfig) checked() FirehoseConfig {
	c.BatchSize = cmp.Or(c.BatchSize, 500)
	inRange("BatchSize", c.BatchSize, 1, 10_000)
	inRange("Retries", c.Retries, 0, 300)
	switch {
	case c.NoRetries && c.Retries > 0:
		panic("batchtest: NoRetries: Retries is set too")
	case !c.NoRetries:
		c.Retries = cmp.Or(c.Retries, 3)
	}
	c.Timeout = functionTimeout(c.Timeout)
	if c.Timeout > 5*time.Minute {
		panic(fmt.Sprintf("batchtest: Timeout: Firehose waits 5m0s, not %v", c.Timeout))
	}
	return c
}

// FirehoseRecord is what is put into a [Firehose].
type FirehoseRecord struct {
	ID   string // unique; numbered in the length that the service uses if empty
	Data []byte
}

// Firehose is a Firehose stream in memory, whose records a function transforms. Its
// methods may be called at any time, from a handler too, except that one Drain runs
// at a time.
type Firehose struct {
	config   FirehoseConfig
	draining atomic.Bool

	mu      sync.Mutex
	puts    int
	waiting []firehoseEntry
}

type firehoseEntry struct {
	FirehoseRecord
	arrived time.Time
}

// NewFirehose makes an empty stream. It panics on a setting that the service refuses.
func NewFirehose(config FirehoseConfig) *Firehose {
	return &Firehose{config: config.checked()}
}

// Put adds records to the stream and returns their IDs.
func (f *Firehose) Put(records ...FirehoseRecord) []string {
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

// Drain sends the stream's records through the handler, batch by batch, until none
// is left or ctx ends, and reads each answer as Firehose does. An invocation that
// fails is repeated with the same batch, and in the end its records go to the error
// prefix. So do records that are answered ProcessingFailed, and all of a batch whose
// answer breaks a rule, at once. It returns when every handler it called has
// returned, also those that outlived their deadline, or when ctx has ended.
func (f *Firehose) Drain(ctx context.Context, handler lambda.Handler) *FirehoseRun {
	d := newDrain(ctx, handler, f.config.Timeout, false, true)
	if !f.draining.CompareAndSwap(false, true) {
		return &FirehoseRun{Err: errDraining}
	}
	defer f.draining.Store(false)
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

// next is the batch that comes next, and its event.
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

// transform has a batch transformed, in as many invocations as that takes.
func (f *Firehose) transform(d *drain, run *FirehoseRun, batch []firehoseEntry, event firehoseEvent) {
	ids := make([]string, len(batch))
	for i, e := range batch {
		ids[i] = e.ID
	}
	for try := 0; !d.ended(); try++ {
		event.InvocationID = uuid(len(d.run.Invocations) + 1)
		inv := d.invoke(ids, event)
		inv.Outcome = Failure
		final := try == f.config.Retries
		if inv.Err == nil {
			final = true
			var answers []firehoseAnswer
			if answers, inv.Err = readFirehose(inv.Response, ids); inv.Err == nil {
				inv.Outcome = run.settle(answers, &inv)
			}
		}
		if final {
			inv.Done = ids
			f.done(len(batch))
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

func (f *Firehose) done(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = slices.Clone(f.waiting[n:])
}

// FirehoseRun is what became of the records of one Drain, each list in the order in
// which it was known.
type FirehoseRun struct {
	Invocations []Invocation

	Delivered []Delivery
	Dropped   []string // IDs
	Failed    []string // IDs of what went to the error prefix

	// Err tells why the Drain ended before nothing was left; see [Run].
	Err error
}

// Delivery is a record that Firehose delivers.
type Delivery struct {
	ID            string
	Data          []byte
	PartitionKeys map[string]string // of dynamic partitioning
}

func (r *FirehoseRun) settle(answers []firehoseAnswer, inv *Invocation) Outcome {
	outcome := Success
	for _, a := range answers {
		switch a.result {
		case events.KinesisFirehoseTransformedStateOk:
			r.Delivered = append(r.Delivered, Delivery{a.id, a.data, a.keys})
		case events.KinesisFirehoseTransformedStateDropped:
			r.Dropped = append(r.Dropped, a.id)
		default:
			r.Failed = append(r.Failed, a.id)
			inv.Listed = append(inv.Listed, a.id)
			outcome = Partial
		}
	}
	return outcome
}

// String is a table with a line for each record: what became of it, the data that is
// delivered, and its partition keys. The first lines of the errors follow.
func (r *FirehoseRun) String() string {
	var ids []string
	fates := make(map[string][]string)
	add := func(id string, fate ...string) {
		ids = append(ids, id)
		fates[id] = fate
	}
	for _, d := range r.Delivered {
		keys := make([]string, 0, len(d.PartitionKeys))
		for _, name := range slices.Sorted(maps.Keys(d.PartitionKeys)) {
			keys = append(keys, name+"="+d.PartitionKeys[name])
		}
		add(d.ID, "delivered", shown(d.Data), strings.Join(keys, " "))
	}
	for _, id := range r.Dropped {
		add(id, "dropped", "", "")
	}
	for _, id := range r.Failed {
		add(id, "error prefix", "", "")
	}
	slices.SortStableFunc(ids, r.byArrival())
	rows := [][]string{{"record", "", "data", ""}}
	for i, name := range shortened(ids) {
		rows = append(rows, append([]string{name}, fates[ids[i]]...))
	}
	var out strings.Builder
	writeTable(&out, rows)
	writeErrors(&out, r.Invocations, r.Err)
	return out.String()
}

// byArrival compares IDs by the order in which the handler got them.
func (r *FirehoseRun) byArrival() func(a, b string) int {
	places := make(map[string]int)
	for _, inv := range r.Invocations {
		for _, id := range inv.Records {
			if _, ok := places[id]; !ok {
				places[id] = len(places)
			}
		}
	}
	return func(a, b string) int { return cmp.Compare(places[a], places[b]) }
}
