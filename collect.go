package batch

// Collectors fold a Stream into the partial-failure response.

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/lambdabatch/batch/internal/printable"
)

// A Response is the partial-failure response: the records that the service
// delivers again. Every other record of the batch is deleted. It is read only if
// the event source mapping has ReportBatchItemFailures among its
// FunctionResponseTypes.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html.
type Response struct {
	BatchItemFailures []ItemFailure `json:"batchItemFailures"`
}

// ItemFailure names one record of a [Response].
type ItemFailure struct {
	// ItemIdentifier is the ID of the Record. That of a Kafka record is marshalled
	// as the object of partition and offset that the service expects.
	ItemIdentifier string `json:"itemIdentifier"`

	kafka bool
}

// MarshalJSON writes an empty list for a Response without failures: never null.
func (r Response) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(`{"batchItemFailures":[]}`)+64*len(r.BatchItemFailures))
	b = append(b, `{"batchItemFailures":[`...)
	for i, failure := range r.BatchItemFailures {
		if i > 0 {
			b = append(b, ',')
		}
		b = failure.appendJSON(b)
	}
	return append(b, `]}`...), nil
}

// MarshalJSON writes the identifier in the form of its source.
func (f ItemFailure) MarshalJSON() ([]byte, error) { return f.appendJSON(nil), nil }

func (f ItemFailure) appendJSON(b []byte) []byte {
	b = append(b, `{"itemIdentifier":`...)
	if slash := strings.LastIndexByte(f.ItemIdentifier, '/'); f.kafka && slash >= 0 {
		b = append(b, `{"partition":`...)
		b = appendQuoted(b, f.ItemIdentifier[:slash])
		b = append(b, `,"offset":`...)
		b = append(b, f.ItemIdentifier[slash+1:]...)
		b = append(b, '}')
	} else {
		b = appendQuoted(b, f.ItemIdentifier)
	}
	return append(b, '}')
}

// appendQuoted replaces invalid UTF-8, which no identifier of a service has.
func appendQuoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s)
	return b
}

// A Failure is a reported record and the reason why it is reported.
type Failure struct {
	Record Record
	Err    error
}

// AllFailedError is the error of a batch in which nothing was acknowledged. The
// service treats it as the full response, and halves the batch if it is a
// stream's with BisectBatchOnFunctionError.
type AllFailedError struct {
	Failures []Failure // one for each record, in batch order
}

func (e *AllFailedError) Error() string {
	const shown, length = 3, 200
	var text strings.Builder
	fmt.Fprintf(&text, "all %d records failed: ", len(e.Failures))
	for i, failure := range e.Failures[:min(shown, len(e.Failures))] {
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%s: %s", printable.Clipped(failure.Record.ID, length), printable.Clipped(errorText(failure.Err), length))
	}
	if more := len(e.Failures) - shown; more > 0 {
		fmt.Fprintf(&text, "; and %d more", more)
	}
	return text.String()
}

// Unwrap returns the errors of the records.
func (e *AllFailedError) Unwrap() []error {
	causes := make([]error, len(e.Failures))
	for i, failure := range e.Failures {
		causes[i] = failure.Err
	}
	return causes
}

// errorText survives an Error method that panics: an error is the user's code.
func errorText(err error) string { return fmt.Sprint(err) }

// ErrNoID is the error of a batch in which a record is to be reported that has no
// identifier. An empty identifier would void the whole response, so the whole
// batch comes again.
var ErrNoID = errors.New("no identifier")

// A Report counts what became of a batch. Records is the sum of the five counts
// that follow it.
type Report struct {
	Records      int
	Acknowledged int       // not in the response
	Failed       int       // a function failed, or the record could not be decoded
	Blocked      int       // held back behind a failure, or reported because of one
	NotStarted   int       // the context ended before a function was called
	Unreached    int       // dropped by a stage, or not done when the answer was due: running, or behind what ran
	Failures     []Failure // one for each reported record, in batch order
	Elapsed      time.Duration
}

// Run sends source through stage and answers the invocation: the records that
// failed, that a policy held back, or that did not reach the end. It is what a
// handler function calls. Give it the source itself: stages before Run are outside
// of its deadline, and what they swallow it does not know.
//
// The stage runs on a goroutine of its own. After the records' context has ended
// Run waits for it for half of the reserve, and then answers with what is
// finished; functions that are still running are left behind, and what they do
// afterwards has no part in the answer. Without a deadline it waits as long as it
// takes. Functions must heed their context, and their writes must be idempotent
// or conditional: a function that was left behind may take effect after its
// record was delivered again.
//
// If nothing was acknowledged the error is an [*AllFailedError]. If a stage that
// is not the library's panics, it is a [*PanicError]. If a reported record has no
// identifier, it is [ErrNoID]. The response beside an error fails the whole batch,
// too: it lists every record, or has an identifier that voids it.
func Run[A, B any](source Stream[A], stage func(Stream[A]) Stream[B]) (Response, error) {
	require(source != nil, "Run", "source is nil")
	require(stage != nil, "Run", "stage is nil")
	c := newRunning[B]()
	return c.answer(c.drive(bind(c, source, stage))).result()
}

// Collect folds s into the response, with the errors of [Run]. It runs on the
// caller's goroutine and waits for functions however long they take.
//
// Collect learns the batch from the Results that reach it: where a stage swallows
// every single one it sees an empty batch. It is for tests and for streams at
// hand; handlers call [Run].
func Collect[T any](s Stream[T]) (Response, error) {
	require(s != nil, "Collect", "s is nil")
	c := newCollector[T]()
	defer c.end()
	s(c.add)
	return c.answer(ending{}).result()
}

// Partition returns the values that reached the end, those of acknowledged
// records only, and the failures of the others. The rules are those of [Collect].
func Partition[T any](s Stream[T]) (values []T, failures []Failure) {
	require(s != nil, "Partition", "s is nil")
	c := newCollector[T]()
	c.keep = true
	defer c.end()
	s(c.add)
	a := c.answer(ending{})
	for _, k := range c.kept {
		if a.acknowledged(k.batch, k.index) {
			values = append(values, k.value)
		}
	}
	return values, a.failures
}

// FirehoseRecord is what a stage makes of a record for Firehose to deliver.
type FirehoseRecord struct {
	Data          []byte
	PartitionKeys map[string]string // for dynamic partitioning
}

// A FirehoseResponse answers a transformation: every record of the batch once, in
// its order.
type FirehoseResponse struct {
	Records []FirehoseResult `json:"records"`
}

// FirehoseResult is one record of a [FirehoseResponse]. Result is "Ok",
// "Dropped" or "ProcessingFailed".
type FirehoseResult struct {
	RecordID string            `json:"recordId"`
	Result   string            `json:"result"`
	Data     []byte            `json:"data"`
	Metadata *FirehoseMetadata `json:"metadata,omitempty"`
}

// FirehoseMetadata has the keys of dynamic partitioning.
type FirehoseMetadata struct {
	PartitionKeys map[string]string `json:"partitionKeys"`
}

// MarshalJSON writes missing data as an empty string: Firehose demands data.
func (r FirehoseResult) MarshalJSON() ([]byte, error) {
	type plain FirehoseResult
	if r.Data == nil {
		r.Data = []byte{}
	}
	return json.Marshal(plain(r))
}

// ErrTooLarge is the error of an answer that is larger than the service accepts.
var ErrTooLarge = errors.New("answer too large")

const maxAnswer = 6 << 20

// CollectFirehose folds s into the answer of a transformation: what is Ready is
// Ok with the new data, what is Done is Dropped, and what is Failed or did not
// arrive is ProcessingFailed with its original data. A record that has become
// several values is Failed, since the answer has room for one.
//
// ProcessingFailed is final: Firehose delivers the record to the error prefix and
// does not try again. That includes records which were not started when the time
// was over, so the time-out and [WithReserve] matter here.
//
// There is no all-failed error. An answer of more than 6 MB is [ErrTooLarge]; a
// record without an identifier is [ErrNoID]. Like [Collect] it is for tests and
// streams at hand; [FirehoseHandler] keeps the deadline.
//
// See https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html.
func CollectFirehose(s Stream[FirehoseRecord]) (FirehoseResponse, error) {
	require(s != nil, "CollectFirehose", "s is nil")
	c := newCollector[FirehoseRecord]()
	c.keep = true
	defer c.end()
	s(c.add)
	response, err := firehoseResponse(c, ending{})
	if err == nil {
		_, err = response.encoded()
	}
	return response, err
}

func firehoseResponse(c *collector[FirehoseRecord], e ending) (FirehoseResponse, error) {
	c.single = true
	a := c.answer(e)
	type key struct {
		batch *batch
		index int
	}
	values := make(map[key]FirehoseRecord, len(c.kept))
	for _, k := range c.kept {
		values[key{k.batch, k.index}] = k.value
	}
	response := FirehoseResponse{Records: make([]FirehoseResult, 0, a.report.Records)}
	for _, b := range a.batches {
		for i := range b.length {
			id := b.id(i)
			if id == "" && a.err == nil {
				a.err = fmt.Errorf("record %d of the batch: %w", i, ErrNoID)
			}
			value, hasValue := values[key{b, i}]
			switch {
			case !a.acknowledged(b, i):
				response.add(id, events.KinesisFirehoseTransformedStateProcessingFailed, FirehoseRecord{Data: b.originalData(i)})
			case hasValue:
				response.add(id, events.KinesisFirehoseTransformedStateOk, value)
			default:
				response.add(id, events.KinesisFirehoseTransformedStateDropped, FirehoseRecord{})
			}
		}
	}
	return response, a.err
}

func (r *FirehoseResponse) add(id, result string, value FirehoseRecord) {
	f := FirehoseResult{RecordID: id, Result: result, Data: value.Data}
	if len(value.PartitionKeys) > 0 {
		f.Metadata = &FirehoseMetadata{value.PartitionKeys}
	}
	r.Records = append(r.Records, f)
}

// encoded is the answer as bytes, if Lambda would take them.
func (r FirehoseResponse) encoded() ([]byte, error) {
	b, err := json.Marshal(r)
	if err == nil && len(b) > maxAnswer {
		return nil, fmt.Errorf("%w: %d bytes, but a response holds %d", ErrTooLarge, len(b), maxAnswer)
	}
	return b, err
}

// originalData is the data as it came. Of a record that could not be decoded, it
// is the record itself.
func (b *batch) originalData(i int) []byte {
	switch original := b.source(i).(type) {
	case *events.KinesisFirehoseEventRecord:
		return original.Data
	case *json.RawMessage:
		return *original
	}
	return nil
}

// A collector ticks the Results that reach it. A record is acknowledged if every
// number that was given out for it was ticked and none of them Failed.
type collector[T any] struct {
	signals chan signal // what drive waits for
	crash   error       // how the pipeline ended, before it signals that
	exited  bool        // likewise

	mu      sync.Mutex
	first   *run // the first iteration over the source, where c is told of them
	closed  bool // the answer is given: nothing counts any more
	tallies []*tally
	last    *tally
	keep    bool
	kept    []kept[T]
	single  bool // the answer has room for one value of each record
	result  answer

	// Room for what there is nearly always one of.
	tally [1]tally
	ptr   [1]*tally
}

// kept is a value that reached the end.
type kept[T any] struct {
	batch *batch
	index int
	value T
}

func newCollector[T any]() *collector[T] {
	c := &collector[T]{}
	c.tallies = c.ptr[:0]
	c.result.batches = c.result.one[:0]
	return c
}

// newRunning returns a collector that is told about iterations as they begin.
func newRunning[T any]() *collector[T] {
	c := newCollector[T]()
	c.signals = make(chan signal, 2)
	return c
}

// add takes one Result and reports whether the collector wants more.
func (c *collector[T]) add(r Result[T]) bool {
	if r.h.entry == nil {
		return true
	}
	r.h.note()
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	t := c.tallyOf(r.h.entry.run())
	fresh, worse := t.tick(&r.h)
	if c.keep && fresh && r.h.state == ready {
		c.kept = append(c.kept, kept[T]{t.run.batch, int(r.h.entry.index), r.value})
	}
	c.mu.Unlock()
	if worse && r.h.state == failed {
		t.run.batch.logFailure(r.h.entry, r.h.err)
	}
	return true
}

// learn takes note of an iteration over the source before its Results arrive.
func (c *collector[T]) learn(r *run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		r.close() // a function that was left behind has come back and begins anew
		return
	}
	c.tallyOf(r)
	if c.first == nil {
		c.first = r
		c.signals <- began
	}
}

func (c *collector[T]) tallyOf(r *run) *tally {
	if c.last != nil && c.last.run == r {
		return c.last
	}
	at := slices.IndexFunc(c.tallies, func(t *tally) bool { return t.run == r })
	if at < 0 {
		at = len(c.tallies)
		t := &c.tally[0]
		if at > 0 {
			t = new(tally)
		}
		t.run = r
		c.tallies = append(c.tallies, t)
	}
	c.last = c.tallies[at]
	return c.last
}

// end ends the contexts of the records.
func (c *collector[T]) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, t := range c.tallies {
		t.run.close()
	}
}

// A tally is what reached the collector of one iteration.
type tally struct {
	run    *run
	seen   []uint64 // for each record the numbers below 64; nil: nothing came
	left   bool     // the stage broke out of it
	high   map[ticket]struct{}
	causes []verdict // nil: none Failed
}

// A verdict is what became of a record. The state is done if it is acknowledged.
type verdict struct {
	state state
	err   error
}

// tick reports whether the number of the Result is new, and whether its failure
// changed what is known of the record.
func (t *tally) tick(h *header) (fresh, worse bool) {
	i := h.entry.index
	if t.seen == nil {
		t.seen = make([]uint64, len(t.run.entries))
	}
	fresh = !t.has(i, h.number)
	if h.number < 64 {
		t.seen[i] |= 1 << h.number
	} else {
		if t.high == nil {
			t.high = make(map[ticket]struct{})
		}
		t.high[ticket{i, h.number}] = struct{}{}
	}
	if h.state.failure() {
		if t.causes == nil {
			t.causes = acknowledged(len(t.run.entries))
		}
		worse = t.causes[i].worsen(verdict{h.state, h.err})
	}
	return fresh, worse
}

func (t *tally) has(i int32, number uint32) bool {
	if t.seen == nil {
		return false
	}
	if number < 64 {
		return t.seen[i]&(1<<number) != 0
	}
	_, ok := t.high[ticket{i, number}]
	return ok
}

func acknowledged(n int) []verdict {
	verdicts := make([]verdict, n)
	for i := range verdicts {
		verdicts[i].state = done
	}
	return verdicts
}

// worsen keeps the first failure, but prefers one of the record's own to one
// that came from being unprocessed.
func (v *verdict) worsen(other verdict) bool {
	if v.state == done && other.state != done || v.state.unprocessed() && other.state == failed {
		*v = other
		return true
	}
	return false
}

// verdict returns what became of record i in this iteration.
func (t *tally) verdict(i int32) verdict {
	if t.causes != nil && t.causes[i].state != done {
		return t.causes[i]
	}
	origin := &t.run.entries[i]
	// The bound is read each time: a function that was left behind may be splitting
	// the record just now, and it adds numbers before it takes one away.
	for number := uint32(0); number <= origin.extra.Load(); number++ {
		if !t.has(i, number) && t.run.expects(origin, number) {
			return unreachedAt(t.run.batch, int(i))
		}
	}
	return verdict{state: done}
}

func unreachedAt(b *batch, i int) verdict {
	return verdict{unreached, &unreachedError{b, int32(i)}}
}

// An ending is how a pipeline ended.
type ending struct {
	err    error // it panicked, or ended its goroutine before it began
	late   bool  // a function is still running
	exited bool  // it ended its goroutine
}

// An answer is the fold over everything that the collector has ticked.
type answer struct {
	batches  []*batch
	one      [1]*batch            // room for batches
	verdicts map[*batch][]verdict // no entry: all acknowledged
	response Response
	failures []Failure
	report   Report
	noID     bool
	err      error
}

// answer closes the collector and folds. Results of several iterations are folded
// each on its own, and a record must be acknowledged in all that came this far.
func (c *collector[T]) answer(e ending) *answer {
	c.end()
	a := &c.result
	a.fold(c.tallies, e)
	if c.single {
		c.refuseSeveral(a)
	}
	if e.err != nil {
		a.fail()
	}
	listed := make(map[string]bool)
	for _, b := range a.batches {
		a.keepOrder(b)
		a.tell(b, listed)
	}
	first := c.first
	if first == nil && len(c.tallies) > 0 {
		first = c.tallies[0].run
	}
	a.conclude(first, c.tallies, e)
	return a
}

func (a *answer) result() (Response, error) { return a.response, a.err }

// fold finds out what became of each record. An iteration that the stage ended
// itself before anything of it arrived was a look ahead and does not count; one
// that was cut short does.
func (a *answer) fold(tallies []*tally, e ending) {
	cut := e.late || e.exited
	for _, t := range tallies {
		if !slices.Contains(a.batches, t.run.batch) {
			a.batches = append(a.batches, t.run.batch)
		}
	}
	for _, b := range a.batches {
		reached := false
		for _, t := range tallies {
			if t.run.batch != b || t.seen == nil && (t.left || !cut) {
				continue
			}
			reached = true
			a.adopt(b, t.causes)
			for i := range t.run.entries {
				if v := t.verdict(int32(i)); v.state != done {
					a.worsen(b, i, v)
				}
			}
		}
		for i := 0; !reached && i < b.length; i++ {
			a.worsen(b, i, unreachedAt(b, i))
		}
	}
}

func (a *answer) worsen(b *batch, i int, v verdict) {
	if a.verdicts[b] == nil {
		a.adopt(b, acknowledged(b.length))
	}
	a.verdicts[b][i].worsen(v)
}

// adopt takes what is known of a batch, if anything is and nothing was before.
func (a *answer) adopt(b *batch, verdicts []verdict) {
	if verdicts == nil || a.verdicts[b] != nil {
		return
	}
	if a.verdicts == nil {
		a.verdicts = make(map[*batch][]verdict)
	}
	a.verdicts[b] = verdicts
}

var errSeveral = errors.New("several values for one record")

// refuseSeveral fails the records that have become several values.
func (c *collector[T]) refuseSeveral(a *answer) {
	seen := make(map[ticket]bool, len(c.kept))
	for _, k := range c.kept {
		at := ticket{int32(k.index), uint32(slices.Index(a.batches, k.batch))}
		if seen[at] {
			a.worsen(k.batch, k.index, verdict{failed, fmt.Errorf("record %q: %w", k.batch.id(k.index), errSeveral)})
		}
		seen[at] = true
	}
}

// fail reports everything: the pipeline did not end as it should.
func (a *answer) fail() {
	for _, b := range a.batches {
		for i := range b.length {
			a.worsen(b, i, unreachedAt(b, i))
		}
	}
}

// keepOrder reports what stands behind a failure, as the policy says. A stage
// that looked ahead may have processed it before the failure was known.
func (a *answer) keepOrder(b *batch) {
	verdicts := a.verdicts[b]
	if verdicts == nil || b.policy == Continue {
		return
	}
	first := make(map[int32]int) // the first failure of each group
	for i := range verdicts {
		group := int32(1)
		if b.policy == StopGroup {
			group = b.groupOf(i)
		}
		by, held := first[group]
		switch {
		case group == 0:
		case held:
			verdicts[i].worsen(verdict{blocked, &blockedError{b, int32(i), int32(by)}})
		case verdicts[i].state != done && !b.lastReceive(i):
			first[group] = i
		}
	}
}

// tell adds the records of a batch to the response, but for the identifiers that
// are listed already, and to the report.
func (a *answer) tell(b *batch, listed map[string]bool) {
	a.report.Records += b.length
	verdicts := a.verdicts[b]
	if verdicts == nil {
		a.report.Acknowledged += b.length
		return
	}
	reported := make(map[string]int) // by identifier, the first failed record
	for i := range verdicts {
		if id := b.id(i); verdicts[i].state != done {
			if _, ok := reported[id]; !ok {
				reported[id] = i
			}
		}
	}
	for i := range verdicts {
		id := b.id(i)
		if by, ok := reported[id]; ok && id != "" {
			// Its identifier is listed for another record, so it comes again, too.
			verdicts[i].worsen(verdict{blocked, &blockedError{b, int32(i), int32(by)}})
		}
		if verdicts[i].state == done {
			a.report.Acknowledged++
			continue
		}
		a.count(verdicts[i].state)
		a.noID = a.noID || id == ""
		a.failures = append(a.failures, Failure{b.describe(i), verdicts[i].err})
		a.list(b, i, listed)
	}
}

// list adds a record to the response, unless its identifier is there already.
func (a *answer) list(b *batch, i int, listed map[string]bool) {
	id := b.id(i)
	if !listed[id] {
		listed[id] = true
		a.response.BatchItemFailures = append(a.response.BatchItemFailures, ItemFailure{id, b.kafka})
	}
}

func (a *answer) count(s state) {
	switch s {
	case failed:
		a.report.Failed++
	case blocked:
		a.report.Blocked++
	case notStarted:
		a.report.NotStarted++
	case unreached:
		a.report.Unreached++
	}
}

func (a *answer) acknowledged(b *batch, i int) bool {
	return a.verdicts[b] == nil || a.verdicts[b][i].state == done
}

// before returns the values of the records before the first reported one, in the
// order of the batch.
func (c *collector[T]) before(a *answer) []T {
	ordered := slices.Clone(c.kept)
	slices.SortStableFunc(ordered, func(x, y kept[T]) int { return x.index - y.index })
	first := math.MaxInt
	if len(a.failures) > 0 {
		first = a.failures[0].Record.Index
	}
	var values []T
	for _, k := range ordered {
		if k.index < first {
			values = append(values, k.value)
		}
	}
	return values
}

// conclude chooses the error, and logs and reports what is known now, as the
// source of the run first wants it.
func (a *answer) conclude(first *run, tallies []*tally, e ending) {
	if a.response.BatchItemFailures == nil {
		a.response.BatchItemFailures = []ItemFailure{}
	}
	a.report.Failures = a.failures
	if first == nil {
		a.err = e.err
		return
	}
	a.report.Elapsed = time.Since(first.started)
	switch {
	case e.err != nil:
		a.err = e.err
	case a.noID:
		at := slices.IndexFunc(a.failures, func(f Failure) bool { return f.Record.ID == "" })
		a.err = fmt.Errorf("record %d of the batch: %w, but it is to be reported: %w", a.failures[at].Record.Index, ErrNoID, a.failures[at].Err)
	case a.report.Acknowledged == 0 && a.report.Records > 0 && !first.batch.allFailedOK:
		a.err = &AllFailedError{Failures: a.failures}
	}
	running := 0
	if e.late {
		running = 1
	}
	for _, t := range tallies {
		running += int(t.run.adrift.Load())
	}
	first.batch.logRest(a.report, running)
	first.batch.tellReport(a.report)
}

// logFailure logs a record that itself failed.
func (b *batch) logFailure(e *entry, err error) {
	if b.logger == nil {
		return
	}
	defer b.outlivePanic()
	r := b.describe(int(e.index))
	attrs := []slog.Attr{
		slog.String("record", r.ID), slog.String("group", r.Group), slog.Int("attempt", r.Attempt), slog.String("error", errorText(err)),
	}
	if p, ok := err.(*PanicError); ok { // not errors.As, which calls methods of the user's errors
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	b.logger.LogAttrs(e, slog.LevelError, "record failed", attrs...)
}

// logRest counts what was not processed: a line for each would not fit into the
// reserve.
func (b *batch) logRest(r Report, running int) {
	if b.logger == nil || r.Blocked+r.NotStarted+r.Unreached+running == 0 {
		return
	}
	defer b.outlivePanic()
	b.logger.LogAttrs(b.parent, slog.LevelWarn, "records not processed",
		slog.Int("records", r.Records), slog.Int("blocked", r.Blocked), slog.Int("notStarted", r.NotStarted),
		slog.Int("unreached", r.Unreached), slog.Int("running", running))
}

func (b *batch) tellReport(r Report) {
	if b.report == nil {
		return
	}
	defer b.outlivePanic()
	b.report(b.parent, r)
}

// outlivePanic is deferred around log handlers and report functions, which are
// the user's: no answer is lost because one of them panics.
func (b *batch) outlivePanic() { _ = recover() }

type signal uint8

const (
	began    signal = iota // the first iteration over the source
	finished               // the pipeline
)

// bind makes the pipeline, which tells c about every iteration over the source and
// how it ended.
func bind[A, B any](c *collector[B], source Stream[A], stage func(Stream[A]) Stream[B]) func() {
	watched := func(yield func(Result[A]) bool) {
		if c.answered() {
			return
		}
		var last *run
		source(func(r Result[A]) bool {
			if r.h.entry != nil && r.h.entry.run() != last {
				last = r.h.entry.run()
				c.learn(last)
			}
			more := yield(r)
			if !more && r.h.entry != nil {
				c.leave(last)
			}
			return more
		})
	}
	return func() {
		err := errGoexit
		defer func() {
			if v := recover(); v != nil {
				err = newPanicError(v)
			}
			c.crash = err
			c.signals <- finished
		}()
		defer func() { // also where the stage panicked, for then the batch is to be listed
			if !c.knows() {
				watched(func(Result[A]) bool { return false })
			} else if err == errGoexit {
				err, c.exited = nil, true // what is unfinished is unreached
			}
		}()
		built(stage(watched))(c.add)
		err = nil
	}
}

// leave takes note that the stage broke out of an iteration.
func (c *collector[T]) leave(r *run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.tallyOf(r).left = true
	}
}

func (c *collector[T]) answered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *collector[T]) knows() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first != nil
}

var errGoexit = errors.New("the pipeline ended its goroutine before it ranged over the batch")

// drive runs the pipeline on a goroutine and waits until it ends or the answer is
// due.
func (c *collector[T]) drive(pipeline func()) ending {
	go pipeline()
	var ended <-chan struct{}
	var due <-chan time.Time
	for {
		select {
		case s := <-c.signals:
			if s == finished {
				return ending{err: c.crash, exited: c.exited}
			}
			if c.first.timed {
				ended = c.first.scope.ctx.Done()
			}
		case <-ended:
			ended = nil
			due = time.After(c.first.reserve / 2)
		case <-due:
			return ending{late: true}
		}
	}
}
