package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch"
)

// A Sale is the data of a record.
type Sale struct {
	Product string `json:"product"`
	Cents   int    `json:"cents"`
}

var errNoProduct = errors.New("no product")

func check(_ context.Context, s Sale) error {
	if s.Product == "" {
		return errNoProduct
	}
	return nil
}

// process is the stage before add: only ready results are added.
func process(records batch.Stream[events.KinesisEventRecord]) batch.Stream[Sale] {
	return batch.TryEach(batch.Decode[Sale](records, json.Unmarshal), check)
}

// Totals is the state of a window: cents by product.
type Totals map[string]int

// add is called once per sale, in the order of the shard. Sales from the first failed record on are not
// added now, but when they are redelivered.
func add(t Totals, s Sale) Totals {
	t[s.Product] += s.Cents
	return t
}

// A Board stands in for a table of totals.
type Board struct {
	mu     sync.Mutex
	totals map[minute]Totals
}

// A minute is the key of a window's totals: published twice, they are still one.
type minute struct {
	shard string
	start time.Time
}

var errPart = errors.New("the totals exceed 1 MB, so Lambda ends the window in parts, which this table does not add up")

// publish is called at the end of a window. Lambda may repeat an invocation, so it may be called again.
func (b *Board) publish(ctx context.Context, w batch.Window, t Totals) error {
	if w.TerminatedEarly {
		return errPart
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.totals == nil {
		b.totals = make(map[minute]Totals)
	}
	b.totals[minute{w.ShardID, w.Start}] = t
	slog.InfoContext(ctx, "published", "minute", w.Start.Format("15:04"), "cents", lo.Sum(lo.Values(t)))
	return nil
}

func (b *Board) handler() *batch.Handler {
	return batch.KinesisWindowHandler(process, add, b.publish)
}
