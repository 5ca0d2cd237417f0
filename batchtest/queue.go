package batchtest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// QueueConfig is an SQS queue with its event source mapping and the function
// after it. The zero value is a standard queue with the service's defaults,
// except that a message comes back at once.
type QueueConfig struct {
	// FIFO keeps the order of each group: while a message is in flight, nothing
	// after it in its group is delivered. A batch may hold several groups,
	// each in one piece.
	FIFO bool

	// BatchSize is the most messages that one event has: 10 unless set, at most
	// 10,000, or 10 with FIFO. An event stays within 6 MB.
	BatchSize int

	// MaxReceives is the redrive policy's maxReceiveCount: a message that was
	// received so often moves to the dead-letter queue instead of being
	// received again. 0 means that there is no such queue.
	MaxReceives int

	// VisibilityTimeout is how long a message stays hidden, counted from its
	// receive, unless ChangeVisibility says otherwise. If it ends before the handler answers, a
	// FIFO queue does not delete what was acknowledged. With 0 a message is
	// hidden for as long as the handler has it.
	VisibilityTimeout time.Duration

	// Timeout is the function's: the context of an invocation ends after it.
	// Three seconds unless set.
	Timeout time.Duration

	// IgnoreResponse leaves ReportBatchItemFailures off: without an error the
	// whole batch is deleted, whatever the answer lists.
	IgnoreResponse bool

	// Shuffle delivers a standard queue's messages in drawn order, Duplicate
	// delivers a fourth of them twice, as it happens: together or apart. Seed
	// makes another draw.
	Shuffle, Duplicate bool
	Seed               uint64
}

func (c QueueConfig) checked() QueueConfig {
	if c.BatchSize == 0 {
		c.BatchSize = 10
	}
	if c.FIFO {
		inRange("BatchSize", c.BatchSize, 1, 10)
	}
	inRange("BatchSize", c.BatchSize, 1, 10_000)
	inRange("MaxReceives", c.MaxReceives, 0, 1000)
	notNegative("VisibilityTimeout", c.VisibilityTimeout)
	c.Timeout = functionTimeout(c.Timeout)
	if c.FIFO && c.Shuffle {
		panic("batchtest: Shuffle: a FIFO queue keeps its order")
	}
	if c.FIFO && c.Duplicate {
		panic("batchtest: Duplicate: a FIFO queue delivers once")
	}
	return c
}

func inRange(name string, n, low, high int) {
	if n < low || n > high {
		panic(fmt.Sprintf("batchtest: %s: %d is not within %d and %d", name, n, low, high))
	}
}

func notNegative(name string, d time.Duration) {
	if d < 0 {
		panic(fmt.Sprintf("batchtest: %s: %v is negative", name, d))
	}
}

func functionTimeout(d time.Duration) time.Duration {
	notNegative("Timeout", d)
	return cmp.Or(d, 3*time.Second)
}

// Message is what is sent to a queue.
type Message struct {
	ID    string // numbered in the form of a UUID if empty
	Body  string
	Group string // MessageGroupId; in a FIFO queue, messages without one share a group

	Attributes map[string]events.SQSMessageAttribute
}

// Queue is an SQS queue in memory. Its methods may be called at any time, from
// a handler too, except that one Drain runs at a time.
type Queue struct {
	config   QueueConfig
	draining atomic.Bool

	mu       sync.Mutex
	messages []*message // in the order of sending
	sends    int
	receives int
	random   *rand.Rand
}

// NewQueue makes an empty queue. It panics on a setting that the service refuses.
func NewQueue(config QueueConfig) *Queue {
	config = config.checked()
	return &Queue{config: config, random: rand.New(rand.NewPCG(config.Seed, 0))}
}

// message is one copy of a message in the queue.
type message struct {
	Message
	number   int
	sent     time.Time
	first    time.Time // when it was first received
	visible  time.Time // when it may be received again
	turn     int       // the number of the receive that last took it
	received int
	fate     *fate
}

// fate is shared by the copies of one message: it has ended when all of them
// are gone.
type fate struct {
	copies       int
	drawn        bool // whether it is to have two
	deadLettered bool
}

// Send adds messages to the queue, behind those that are there, and returns
// their IDs.
func (q *Queue) Send(messages ...Message) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	for _, m := range messages {
		q.sends++
		m.ID = cmp.Or(m.ID, uuid(q.sends))
		if q.config.FIFO {
			m.Group = cmp.Or(m.Group, "default")
		}
		q.messages = append(q.messages, &message{Message: m, number: q.sends, sent: time.Now(), fate: &fate{copies: 1}})
		ids = append(ids, m.ID)
	}
	return ids
}

// Drain delivers the queue's messages to the handler until none is left,
// neither waiting nor hidden, or ctx ends. Receive counts go on from one Drain
// to the next.
//
// In a standard queue what was never received comes before what came back, in a
// FIFO queue likewise the groups, so that a failing message starves none. It
// returns when every handler it called has returned, also those that outlived
// their deadline, or when ctx has ended.
func (q *Queue) Drain(ctx context.Context, handler lambda.Handler) *Run {
	d := newDrain(ctx, handler, q.config.Timeout, q.config.IgnoreResponse, q.config.MaxReceives > 0)
	if !q.draining.CompareAndSwap(false, true) {
		return &Run{Err: errDraining}
	}
	defer q.draining.Store(false)
	for !q.empty() && !d.ended() {
		now := time.Now()
		batch, records := q.receive(d, now)
		if len(batch) == 0 {
			d.sleepUntil(q.nextVisible(now))
			continue
		}
		inv, a := d.deliver(sqsEvent{Records: records}, idsOf(batch), textIdentifier)
		q.settle(d, batch, inv, a)
	}
	return d.finish()
}

// receive takes the next batch and hides it. What was received too often goes
// to the dead-letter queue here, where its next receive would be.
func (q *Queue) receive(d *drain, now time.Time) ([]*message, []json.RawMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.receives++
	var batch []*message
	var records []json.RawMessage
	size := eventOverhead
	waiting := q.waiting(now)
	for len(waiting) > 0 && len(batch) < q.config.BatchSize {
		m := waiting[0]
		if q.config.MaxReceives > 0 && m.received >= q.config.MaxReceives {
			waiting = waiting[1:]
			m.fate.deadLettered = true
			q.remove(d, m)
			continue
		}
		record := q.record(m, now)
		size += len(record) + 1
		if size > maxPayload && len(batch) > 0 {
			break
		}
		if m.received == 0 {
			waiting = q.duplicate(m, waiting)
		}
		waiting = waiting[1:]
		m.take(now, q.config.VisibilityTimeout, q.receives)
		batch = append(batch, m)
		records = append(records, record)
	}
	return batch, records
}

func (m *message) take(now time.Time, hidden time.Duration, turn int) {
	if m.received == 0 {
		m.first = now
	}
	m.received++
	m.visible = now.Add(hidden)
	m.turn = turn
}

// waiting lists what may be received, in the order in which it will be.
func (q *Queue) waiting(now time.Time) []*message {
	var waiting []*message
	inFlight := make(map[string]bool)
	turns := make(map[string]place)
	for _, m := range q.messages {
		if m.visible.After(now) {
			inFlight[m.Group] = true
			continue
		}
		if q.config.FIFO && inFlight[m.Group] {
			continue
		}
		if _, ok := turns[m.Group]; !ok {
			turns[m.Group] = place{m.turn, m.number}
		}
		waiting = append(waiting, m)
	}
	switch {
	case q.config.Shuffle:
		q.random.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	case q.config.FIFO:
		slices.SortStableFunc(waiting, func(a, b *message) int { return turns[a.Group].compare(turns[b.Group]) })
	default:
		slices.SortStableFunc(waiting, func(a, b *message) int { return cmp.Compare(a.turn, b.turn) })
	}
	return waiting
}

// place is where the first message of a group stands.
type place struct{ turn, number int }

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.turn, other.turn), cmp.Compare(p.number, other.number))
}

// duplicate puts, if it is drawn, another copy of waiting's first message
// somewhere after it.
func (q *Queue) duplicate(m *message, waiting []*message) []*message {
	if !q.config.Duplicate || m.fate.drawn {
		return waiting
	}
	m.fate.drawn = true
	if q.random.IntN(4) > 0 {
		return waiting
	}
	twin := *m
	m.fate.copies++
	q.messages = append(q.messages, &twin)
	return slices.Insert(waiting, 1+q.random.IntN(len(waiting)), &twin)
}

// settle deletes what the invocation acknowledged. The rest comes back by itself.
func (q *Queue) settle(d *drain, batch []*message, inv *Invocation, a answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if inv.Outcome == Failure {
		return
	}
	now := time.Now()
	for _, m := range batch {
		if a.listed[m.ID] || q.expired(m, now) {
			continue
		}
		inv.Done = append(inv.Done, m.ID)
		q.remove(d, m)
	}
}

// expired tells whether the receipt handle is too old for a delete. Only FIFO
// queues mind.
func (q *Queue) expired(m *message, now time.Time) bool {
	return q.config.FIFO && q.config.VisibilityTimeout > 0 && !m.visible.After(now)
}

// remove takes a copy out of the queue, and settles the message if it was the
// last one.
func (q *Queue) remove(d *drain, m *message) {
	at := slices.Index(q.messages, m)
	q.messages = slices.Delete(q.messages, at, at+1)
	m.fate.copies--
	switch {
	case m.fate.copies > 0:
	case m.fate.deadLettered:
		d.deadLettered(m.ID)
	default:
		d.deleted(m.ID)
	}
}

func (q *Queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages) == 0
}

// nextVisible is when the first of the messages comes back that were hidden at
// now, or no time at all.
func (q *Queue) nextVisible(now time.Time) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	var next time.Time
	for _, m := range q.messages {
		if m.visible.After(now) && (next.IsZero() || m.visible.Before(next)) {
			next = m.visible
		}
	}
	return next
}

func idsOf(batch []*message) []string {
	ids := make([]string, len(batch))
	for i, m := range batch {
		ids[i] = m.ID
	}
	return ids
}
