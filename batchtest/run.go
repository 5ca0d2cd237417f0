package batchtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/samber/lo"
)

// Run says what became of the records of one Drain.
type Run struct {
	Invocations []Invocation

	// Deleted holds the IDs of the finished records, in the order in which they finished. They were
	// deleted from the queue, or the checkpoint moved past them.
	Deleted []string

	// DeadLettered holds the IDs of the records that were given up, in that order. They were
	// moved to the dead-letter queue or sent to the on-failure destination.
	DeadLettered []string

	// Discards says how a shard or a topic gave up records. It is empty for queues.
	Discards []Discard

	// Err says why the Drain ended while records were left. It is the cause of the context's end, an
	// error that wraps ErrEndless, or an error because another Drain was running. The next Drain
	// delivers the records that are left.
	Err error
}

// Received returns how often a record was delivered in this Drain.
func (r *Run) Received(id string) int {
	return lo.SumBy(r.Invocations, func(i Invocation) int { return lo.Count(i.Records, id) })
}

// Invocation is one call of the handler.
type Invocation struct {
	Records  []string // IDs, in the order of the event; for a topic, grouped by partition
	Response []byte
	Err      error // from the handler, or why the service treats the response as a complete failure
	Duration time.Duration
	Outcome  Outcome
	Listed   []string // IDs that the response lists as failed and the service reads, in batch order
	Ignored  []string // IDs that the response lists in vain because IgnoreResponse is set, in batch order

	// Done holds the IDs of the records that need no redelivery after this invocation, in batch order.
	// If a shard or a topic gives up the batch after it, its records are in Run.Discards and not here.
	// For Firehose, Done includes the records that went to the error prefix.
	Done []string

	reasons map[string]verdict // why records are not finished, if the library reported it
}

// Outcome is how the service reads an invocation.
type Outcome int

const (
	Success Outcome = iota // no record failed
	Partial                // the response lists records; the source decides what to redeliver
	Failure                // the whole batch failed
)

func (o Outcome) String() string {
	switch o {
	case Success:
		return "success"
	case Partial:
		return "partial"
	case Failure:
		return "failure"
	}
	return fmt.Sprintf("Outcome(%d)", int(o))
}

// Discard describes records that a shard or a topic gave up together, as its on-failure destination
// learns of them.
type Discard struct {
	Condition string   // RetryAttemptsExhausted or RecordAgeExceeded
	ShardID   string   // the topic's name, for a topic
	Records   []string // IDs; the service names only the first and the last
}

// MaxDeliveries is how often a record is delivered without any record being finished or given up
// before a Drain ends with [ErrEndless]. It applies where nothing else ends the deliveries: to a
// queue without MaxReceives, a shard or topic with unlimited retries (unless it has both a
// MaxRecordAge and a RetryDelay), and the invocation that ends a window.
const MaxDeliveries = 100

// ErrEndless is wrapped by [Run.Err] if a Drain ended because of [MaxDeliveries].
var ErrEndless = errors.New("the handler makes no progress")
