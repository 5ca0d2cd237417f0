package batchtest

import (
	"errors"
	"fmt"
	"time"
)

// Run is what became of the records of one Drain.
type Run struct {
	Invocations []Invocation

	// Deleted are the IDs of the records that are finished, in the order in
	// which they were: deleted from the queue, or passed by the checkpoint.
	Deleted []string

	// DeadLettered are the IDs of the records that were given up, in that
	// order: moved to the dead-letter queue, or sent to the on-failure
	// destination.
	DeadLettered []string

	// Discards tells how a shard or a topic came to give records up. It is
	// empty for queues.
	Discards []Discard

	// Err tells why the Drain ended before nothing was left: the cause of its
	// context's end, an error that wraps [ErrEndless], or that another Drain was
	// under way. What is left stays where it is and is delivered by the next one.
	Err error
}

// Received tells how often a record was delivered in this Drain.
func (r *Run) Received(id string) int {
	n := 0
	for _, invocation := range r.Invocations {
		for _, record := range invocation.Records {
			if record == id {
				n++
			}
		}
	}
	return n
}

// Invocation is one call of the handler.
type Invocation struct {
	Records  []string // IDs, in the order of the event; those of a topic by partition
	Response []byte
	Err      error // the handler's, or what made the service take the answer for a complete failure
	Duration time.Duration
	Outcome  Outcome
	Listed   []string // IDs that the answer lists as failed, as the service read it, in batch order
	Ignored  []string // IDs that the answer lists as failed where IgnoreResponse is set, so that they are lost, in batch order
	Done     []string // IDs that are not delivered again after this, in batch order

	reasons map[string]verdict // why records are not finished, as far as the library reported it
}

// Outcome is how the service reads an invocation.
type Outcome int

const (
	Success Outcome = iota // no record failed
	Partial                // the listed records failed, or what the source makes of them
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

// Discard is what a shard or a topic gave up at once, as its on-failure
// destination is told of it.
type Discard struct {
	Condition string   // RetryAttemptsExhausted or RecordAgeExceeded
	ShardID   string   // a topic's name for a topic
	Records   []string // the first and the last are the range that the service names
}

// MaxDeliveries is how often a record is delivered while no record at all is
// finished or given up, where nothing else ends its deliveries: a queue without
// MaxReceives, a shard or topic with unlimited retries, the final invocation of
// a window. Then the Drain ends with [ErrEndless].
const MaxDeliveries = 100

// ErrEndless is wrapped by [Run.Err] when a Drain ended because of
// [MaxDeliveries].
var ErrEndless = errors.New("batchtest: the handler gets nowhere")
