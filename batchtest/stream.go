package batchtest

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// settings are what shards and topics have in common.
type settings struct {
	batchSize  int
	maxRetries int // -1: no limit
	bisect     bool
	maxAge     time.Duration
	retryDelay time.Duration
	window     time.Duration
	shardID    string
	sourceARN  string
	identify   identify

	// arrange orders what was taken for one batch, event wraps its records.
	arrange func([]*entry)
	event   func(batch []*entry, w *windowEvent) any

	// rest tells which records of a batch are redelivered after a partial answer.
	rest func(batch []*entry, listed map[string]bool) []*entry
}

// entry is a record of a shard or a partition.
type entry struct {
	id        string
	partition string // of a topic
	arrived   time.Time
	record    json.RawMessage
}

// attempt is a batch with what is known of its deliveries.
type attempt struct {
	batch   []*entry
	retries int
	after   time.Time
}

// stream delivers records in order, a batch at a time, and moves past them: a
// shard, one of its lanes, or the partitions of a topic.
type stream struct {
	settings
	attempts []attempt // what was taken and must be redelivered, the next one last
	open     *window

	mu      sync.Mutex
	pending []*entry
}

func (s *stream) put(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, e)
}

// head is the next record that was never taken, nil if there is none.
func (s *stream) head() *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return nil
	}
	return s.pending[0]
}

// ready tells when the next invocation is due, and whether there is any.
func (s *stream) ready() (at time.Time, ok bool) {
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
	if s.open.early || s.open.closing() {
		return s.open.after, true
	}
	if head != nil && head.arrived.Before(s.open.end) {
		return head.arrived, true
	}
	return s.open.end, true
}

// step makes one invocation that is due.
func (s *stream) step(d *drain) {
	if len(s.attempts) == 0 {
		if s.open != nil && s.stepWindow(d) {
			return
		}
		s.take()
	}
	last := len(s.attempts) - 1
	current := s.attempts[last]
	s.attempts = s.attempts[:last]
	if s.discardOld(d, &current); len(current.batch) == 0 {
		return
	}
	inv, a := s.deliver(d, current.batch)
	s.settle(d, current, inv, a)
}

// take makes an attempt of the next records, all of one window, that have
// arrived.
func (s *stream) take() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.window > 0 && s.open == nil {
		s.open = newWindow(s.pending[0].arrived, s.window)
	}
	n, size := 0, eventOverhead+s.open.size()
	for _, e := range s.pending {
		size += len(e.record) + len(e.partition) + 8 // what JSON has between records and partitions
		if n == s.batchSize || e.arrived.After(now) || !s.open.has(e) || n > 0 && size > maxPayload {
			break
		}
		n++
	}
	batch := slices.Clone(s.pending[:n])
	s.pending = s.pending[n:]
	s.arrange(batch)
	s.attempts = []attempt{{batch: batch}}
}

// discardOld cuts records from the front that are too old to be delivered.
func (s *stream) discardOld(d *drain, current *attempt) {
	if s.maxAge == 0 {
		return
	}
	old := slices.DeleteFunc(slices.Clone(current.batch), func(e *entry) bool { return time.Since(e.arrived) <= s.maxAge })
	if len(old) == 0 {
		return
	}
	current.batch = without(current.batch, old)
	current.retries = 0
	s.discard(d, "RecordAgeExceeded", old)
}

func (s *stream) discard(d *drain, condition string, batch []*entry) {
	ids := entryIDs(batch)
	d.run.Discards = append(d.run.Discards, Discard{Condition: condition, ShardID: s.shardID, Records: ids})
	d.deadLettered(ids...)
}

func (s *stream) deliver(d *drain, batch []*entry) (*Invocation, answer) {
	inv, a := d.deliver(s.event(batch, s.open.event(s)), entryIDs(batch), s.identify)
	s.open.read(inv, a)
	return inv, a
}

// settle moves the checkpoint past what is finished and prepares what is
// redelivered.
func (s *stream) settle(d *drain, current attempt, inv *Invocation, a answer) {
	if inv.Outcome == Failure {
		s.fail(d, current)
		return
	}
	rest := s.rest(current.batch, a.listed)
	inv.Done = entryIDs(without(current.batch, rest))
	if len(rest) == len(current.batch) {
		s.retry(d, current)
		return
	}
	d.deleted(inv.Done...)
	if len(rest) > 0 { // with a budget of its own, since the checkpoint has moved
		s.attempts = append(s.attempts, attempt{batch: rest, after: time.Now().Add(s.retryDelay)})
	}
}

// fail halves the batch, which costs no retry, or has it redelivered.
func (s *stream) fail(d *drain, current attempt) {
	if !s.bisect || len(current.batch) == 1 {
		s.retry(d, current)
		return
	}
	after := time.Now().Add(s.retryDelay)
	half := len(current.batch) / 2
	s.attempts = append(s.attempts,
		attempt{batch: current.batch[half:], after: after},
		attempt{batch: current.batch[:half], after: after, retries: current.retries})
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

func entryIDs(batch []*entry) []string {
	ids := make([]string, len(batch))
	for i, e := range batch {
		ids[i] = e.id
	}
	return ids
}

func without(batch, gone []*entry) []*entry {
	if len(gone) == 0 {
		return batch
	}
	set := make(map[*entry]bool, len(gone))
	for _, e := range gone {
		set[e] = true
	}
	return slices.DeleteFunc(slices.Clone(batch), func(e *entry) bool { return set[e] })
}

// drainStreams steps each stream in turn until none has anything left.
func drainStreams(d *drain, streams []*stream) *Run {
	for {
		var next time.Time
		stepped := false
		for _, s := range streams {
			at, ok := s.ready()
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
