package batchtest

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/samber/lo"
)

// streamConfig has the settings that shards and topics have in common.
type streamConfig struct {
	batchSize  int
	maxRetries int // -1: no limit
	bisect     bool
	maxAge     time.Duration
	retryDelay time.Duration
	window     time.Duration
	shardID    string
	sourceARN  string
	identify   identify

	// sort puts the records of a batch into the order of the event.
	sort func([]*streamRecord)

	// event makes the event of a batch.
	event func(batch []*streamRecord, w *windowEvent) any

	// redeliver selects the records of a batch that are redelivered after a partial failure.
	redeliver func(batch []*streamRecord, listed map[string]bool) []*streamRecord
}

// bounded reports whether a record that keeps failing is given up after some deliveries. Without a
// delay between them, records do not get older in virtual time.
func (c streamConfig) bounded() bool {
	return c.maxRetries >= 0 || c.maxAge > 0 && c.retryDelay > 0
}

// streamRecord is a record of a shard or of a partition.
type streamRecord struct {
	id        string
	partition string // of a topic
	arrived   time.Time
	json      json.RawMessage
}

// stream delivers records in order, a batch at a time, and moves a checkpoint past them. It is a
// shard, a lane of one, or a topic with all its partitions.
type stream struct {
	streamConfig
	attempts []attempt // batches that were begun, the next one last
	open     *window

	mu      sync.Mutex
	pending []*streamRecord
}

// attempt is the next delivery of a batch.
type attempt struct {
	batch   []*streamRecord
	retries int
	after   time.Time
}

func (s *stream) put(r *streamRecord) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, r)
}

// drainStreams lets the streams take turns until all are empty.
func drainStreams(d *drain, streams []*stream) *Run {
	for {
		var next time.Time
		stepped := false
		for _, s := range streams {
			at, ok := s.nextDue()
			switch {
			case !ok:
			case at.After(time.Now()):
				if next.IsZero() || at.Before(next) {
					next = at
				}
			case d.ended():
				return d.finish()
			default:
				s.step(d)
				stepped = true
			}
		}
		if stepped {
			continue
		}
		if next.IsZero() || d.ended() {
			return d.finish()
		}
		d.sleepUntil(next)
	}
}

// nextDue returns when the next invocation is due. ok is false if the stream is empty.
func (s *stream) nextDue() (at time.Time, ok bool) {
	if s.open.endsEarly() {
		return s.open.after, true
	}
	if len(s.attempts) > 0 {
		return s.attempts[len(s.attempts)-1].after, true
	}
	head := s.head()
	if s.open == nil {
		if head == nil {
			return time.Time{}, false
		}
		return head.arrived, true
	}
	if s.open.closing() {
		return s.open.after, true
	}
	if head != nil && head.arrived.Before(s.open.end) {
		return head.arrived, true
	}
	return s.open.end, true
}

// head returns the next record that is in no attempt, nil if there is none.
func (s *stream) head() *streamRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return nil
	}
	return s.pending[0]
}

// step makes the invocation that is due.
func (s *stream) step(d *drain) {
	if s.endWindow(d) {
		return
	}
	if len(s.attempts) == 0 {
		s.beginBatch()
	}
	last := len(s.attempts) - 1
	current := s.attempts[last]
	s.attempts = s.attempts[:last]
	if s.discardOld(d, &current); len(current.batch) == 0 {
		return
	}
	s.shorten(&current)
	inv, r := s.deliver(d, current.batch)
	s.settle(d, current, inv, r)
}

// beginBatch makes an attempt of the next records that have arrived. They all belong to one window.
func (s *stream) beginBatch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.window > 0 && s.open == nil {
		s.open = newWindow(s.pending[0].arrived, s.window)
	}
	n := 0
	for n < min(s.batchSize, len(s.pending)) && !s.pending[n].arrived.After(now) && s.open.has(s.pending[n]) {
		n++
	}
	n = s.fitting(s.pending[:n])
	batch := slices.Clone(s.pending[:n])
	s.pending = s.pending[n:]
	s.sort(batch)
	s.attempts = []attempt{{batch: batch}}
}

// fitting returns how many of the records an event can contain.
func (s *stream) fitting(records []*streamRecord) int {
	size := eventOverhead + s.open.size()
	for n, r := range records {
		size += len(r.json) + len(r.partition) + 8 // for the JSON between records and partitions
		if n > 0 && size > maxPayload {
			return n
		}
	}
	return len(records)
}

// shorten leaves records for an attempt of their own if the state of the window has grown so much
// that an event can no longer contain them all.
func (s *stream) shorten(current *attempt) {
	n := s.fitting(current.batch)
	if n == len(current.batch) {
		return
	}
	s.attempts = append(s.attempts, attempt{batch: current.batch[n:], after: current.after})
	current.batch = current.batch[:n]
}

// discardOld gives up the records that are too old.
func (s *stream) discardOld(d *drain, current *attempt) {
	if s.maxAge == 0 {
		return
	}
	old, young := lo.FilterReject(current.batch, func(r *streamRecord, _ int) bool { return time.Since(r.arrived) > s.maxAge })
	if len(old) == 0 {
		return
	}
	current.batch = young
	current.retries = 0
	s.discard(d, "RecordAgeExceeded", old)
}

func (s *stream) discard(d *drain, condition string, batch []*streamRecord) {
	ids := idsOf(batch)
	d.run.Discards = append(d.run.Discards, Discard{Condition: condition, ShardID: s.shardID, Records: ids})
	d.deadLettered(ids...)
}

func (s *stream) deliver(d *drain, batch []*streamRecord) (*Invocation, response) {
	inv, r := d.deliver(s.event(batch, s.open.event(s)), idsOf(batch), s.identify)
	s.open.read(inv, r)
	return inv, r
}

// settle moves the checkpoint past the finished records and prepares the redelivery of the others.
func (s *stream) settle(d *drain, current attempt, inv *Invocation, r response) {
	switch {
	case matches(inv.Err, errInterrupted): // it costs no retry
		s.attempts = append(s.attempts, current)
		return
	case inv.Outcome == Failure:
		s.fail(d, current)
		return
	}
	rest := s.redeliver(current.batch, r.listed)
	inv.Done = idsOf(lo.Without(current.batch, rest...))
	if len(rest) == len(current.batch) {
		s.retry(d, current)
		return
	}
	d.deleted(inv.Done...)
	if len(rest) > 0 { // its retries start again, because the checkpoint has moved
		s.attempts = append(s.attempts, attempt{batch: rest, after: time.Now().Add(s.retryDelay)})
	}
}

// fail halves the batch, which costs no retry, or retries it.
func (s *stream) fail(d *drain, current attempt) {
	if !s.bisect || len(current.batch) == 1 {
		s.retry(d, current)
		return
	}
	after := time.Now().Add(s.retryDelay)
	half := len(current.batch) / 2
	s.attempts = append(s.attempts,
		attempt{batch: current.batch[half:], after: after},
		attempt{batch: current.batch[:half], after: after})
}

func (s *stream) retry(d *drain, current attempt) {
	if current.retries == s.maxRetries {
		s.discard(d, "RetryAttemptsExhausted", current.batch)
		return
	}
	current.retries++
	current.after = time.Now().Add(s.retryDelay)
	s.attempts = append(s.attempts, current)
}

func idsOf(batch []*streamRecord) []string {
	return lo.Map(batch, func(r *streamRecord, _ int) string { return r.id })
}
