package batchtest

import (
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/samber/lo"
)

// QueueConfig describes an SQS queue, its event source mapping and the function. The zero value is
// a standard queue with the service's defaults, except that a failed message is redelivered
// immediately.
type QueueConfig struct {
	// FIFO keeps the order of each group: while a message is in flight, no later message of its
	// group is delivered. A batch can contain several groups. The messages of a group are
	// adjacent in it.
	FIFO bool

	// BatchSize is the maximum number of messages in an event. It defaults to 10 and is at most
	// 10,000, or 10 with FIFO. An event never exceeds 6 MB, unless a single message does.
	BatchSize int

	// MaxReceives is the maxReceiveCount of the redrive policy. A message that has been received
	// this often moves to the dead-letter queue when it would be received again. With 0 there is
	// no dead-letter queue.
	MaxReceives int

	// VisibilityTimeout is how long a message is hidden after it has been received, unless
	// ChangeVisibility is called. It is at most twelve hours. If it ends before the handler
	// responds, a FIFO queue does not delete the acknowledged message. With 0 a message is hidden
	// while the handler has it.
	VisibilityTimeout time.Duration

	// Timeout is the function's: it ends the context of each invocation. It defaults to three
	// seconds.
	Timeout time.Duration

	// IgnoreResponse turns ReportBatchItemFailures off: unless the invocation fails, the whole
	// batch is deleted, whatever the response lists.
	IgnoreResponse bool

	// Shuffle makes a standard queue deliver messages in random order. Duplicate makes it deliver
	// about a quarter of them twice, in the same event or in different ones. Seed selects the
	// random numbers.
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
	atMost("VisibilityTimeout", c.VisibilityTimeout, maxVisibility)
	c.Timeout = functionTimeout(c.Timeout)
	if c.FIFO && c.Shuffle {
		panic("batchtest: Shuffle: a FIFO queue keeps its order")
	}
	if c.FIFO && c.Duplicate {
		panic("batchtest: Duplicate: a FIFO queue delivers each message once")
	}
	return c
}

// Message is a message to send to a queue.
type Message struct {
	ID    string // must be unique in the queue; if empty, one in the form of a UUID is assigned
	Body  string
	Group string // MessageGroupId; in a FIFO queue, messages without one share a group

	Attributes map[string]events.SQSMessageAttribute
}

// Queue is an SQS queue in memory. Its methods may be called concurrently, and by a handler, but
// only one Drain at a time.
type Queue struct {
	config   QueueConfig
	draining draining

	mu       sync.Mutex
	messages []*message // in the order of sending
	sends    int
	receives int
	random   *rand.Rand
}

// message is one copy of a message in the queue.
type message struct {
	Message
	number      int
	sent        time.Time
	first       time.Time // when it was first received
	last        time.Time // when it was last received
	visible     time.Time // when it may be received again
	held        bool      // hidden while the handler has it, because no timeout is set
	lastReceive int       // the number of the receive that last returned it
	received    int
	copies      *copies
}

// copies is shared by the copies of one message. The message ends when no copy remains.
type copies struct {
	remaining    int
	decided      bool // whether to duplicate the message
	deadLettered bool
}

// NewQueue makes an empty queue. It panics if a setting is outside the service's limits, but allows
// shorter times than the service, for short tests. It also allows a VisibilityTimeout that is
// shorter than Timeout, which an event source mapping refuses.
func NewQueue(config QueueConfig) *Queue {
	config = config.checked()
	return &Queue{config: config, random: rand.New(rand.NewPCG(config.Seed, 0))}
}

// Send adds messages to the end of the queue and returns their IDs.
func (q *Queue) Send(messages ...Message) []string {
	requireMade(q.config.Timeout, "NewQueue")
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	for _, m := range messages {
		q.sends++
		m.ID = cmp.Or(m.ID, uuid(q.sends))
		if q.config.FIFO {
			m.Group = cmp.Or(m.Group, "default")
		}
		q.messages = append(q.messages, &message{
			Message: m, number: q.sends, sent: time.Now(), copies: &copies{remaining: 1},
		})
		ids = append(ids, m.ID)
	}
	q.draining.changed()
	return ids
}

// Drain delivers the messages of the queue to the handler until the queue is empty or ctx ends.
// It waits for hidden messages, and notices meanwhile what is sent. Receive counts continue in the
// next Drain.
//
// A standard queue delivers new messages before redelivered ones. A FIFO queue does the same with
// whole groups. So a message that keeps failing does not starve the others.
//
// Drain waits until every call of the handler has returned, even one that outlived its deadline,
// unless ctx ends first. The handler can respond until a second after that.
func (q *Queue) Drain(ctx context.Context, handler lambda.Handler) *Run {
	requireMade(q.config.Timeout, "NewQueue")
	d := newDrain(ctx, handler, q.config.Timeout, q.config.IgnoreResponse, q.config.MaxReceives > 0)
	if !q.draining.begin(d) {
		return &Run{Err: errDraining}
	}
	defer q.draining.end()
	for !q.empty() && !d.ended() {
		now := time.Now()
		batch, records := q.receive(d, now)
		if len(batch) == 0 {
			d.sleepUntil(q.nextVisible(now))
			continue
		}
		ids := lo.Map(batch, func(m *message, _ int) string { return m.ID })
		inv, r := d.deliver(sqsEvent{Records: records}, ids, textIdentifier)
		q.deleteAcknowledged(d, batch, inv, r)
	}
	return d.finish()
}

// receive returns the next batch and hides it. A message that has been received too often moves to
// the dead-letter queue here, where it would be received again.
func (q *Queue) receive(d *drain, now time.Time) ([]*message, []json.RawMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.receives++
	var batch []*message
	var records []json.RawMessage
	size := eventOverhead
	visible := q.receivable(now)
	for len(visible) > 0 && len(batch) < q.config.BatchSize {
		m := visible[0]
		if q.config.MaxReceives > 0 && m.received >= q.config.MaxReceives {
			visible = visible[1:]
			m.copies.deadLettered = true
			q.remove(d, m)
			continue
		}
		record := q.record(m, now)
		size += len(record) + 1
		if size > maxPayload && len(batch) > 0 {
			break
		}
		if m.received == 0 {
			visible = q.duplicate(m, visible)
		}
		visible = visible[1:]
		m.markReceived(now, q.config.VisibilityTimeout, q.receives)
		batch = append(batch, m)
		records = append(records, record)
	}
	return batch, records
}

// receivable returns the messages that may be received, in the order in which they will be.
func (q *Queue) receivable(now time.Time) []*message {
	var visible []*message
	inFlight := make(map[string]bool)
	heads := make(map[string]position)
	for _, m := range q.messages {
		if m.visible.After(now) {
			inFlight[m.Group] = true
			continue
		}
		if q.config.FIFO && inFlight[m.Group] {
			continue
		}
		if _, ok := heads[m.Group]; !ok {
			heads[m.Group] = position{m.lastReceive, m.number}
		}
		visible = append(visible, m)
	}
	switch {
	case q.config.Shuffle:
		q.random.Shuffle(len(visible), func(i, j int) { visible[i], visible[j] = visible[j], visible[i] })
	case q.config.FIFO:
		slices.SortStableFunc(visible, func(a, b *message) int { return heads[a.Group].compare(heads[b.Group]) })
	default:
		slices.SortStableFunc(visible, func(a, b *message) int { return cmp.Compare(a.lastReceive, b.lastReceive) })
	}
	return visible
}

// position orders groups by their first messages: new ones come first, then those received longest
// ago.
type position struct{ lastReceive, number int }

func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(p.lastReceive, other.lastReceive), cmp.Compare(p.number, other.number))
}

// duplicate decides whether to duplicate m, which is the first of visible. A copy is inserted at a
// random position after it.
func (q *Queue) duplicate(m *message, visible []*message) []*message {
	if !q.config.Duplicate || m.copies.decided {
		return visible
	}
	m.copies.decided = true
	if q.random.IntN(4) > 0 {
		return visible
	}
	twin := *m
	m.copies.remaining++
	q.messages = append(q.messages, &twin)
	return slices.Insert(visible, 1+q.random.IntN(len(visible)), &twin)
}

func (m *message) markReceived(now time.Time, hidden time.Duration, receive int) {
	if m.received == 0 {
		m.first = now
	}
	m.received++
	m.last = now
	m.visible = now.Add(hidden)
	m.held = hidden == 0
	m.lastReceive = receive
}

// deleteAcknowledged removes the acknowledged messages from the queue. The others become visible
// again when their visibility timeout ends.
func (q *Queue) deleteAcknowledged(d *drain, batch []*message, inv *Invocation, r response) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for _, m := range batch {
		// Only a FIFO queue refuses a delete whose receipt handle has expired.
		expired := q.config.FIFO && !m.inFlight(now)
		m.held = false
		if inv.Outcome == Failure || r.listed[m.ID] || expired {
			continue
		}
		inv.Done = append(inv.Done, m.ID)
		q.remove(d, m)
	}
}

// remove takes a copy out of the queue. With the last copy, the message has ended.
func (q *Queue) remove(d *drain, m *message) {
	at := slices.Index(q.messages, m)
	q.messages = slices.Delete(q.messages, at, at+1)
	m.copies.remaining--
	switch {
	case m.copies.remaining > 0:
	case m.copies.deadLettered:
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

// nextVisible returns when the first message that was hidden at now becomes visible. It returns the
// zero time if none was hidden.
func (q *Queue) nextVisible(now time.Time) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return lo.Earliest(lo.FilterMap(q.messages, func(m *message, _ int) (time.Time, bool) {
		return m.visible, m.visible.After(now)
	})...)
}
