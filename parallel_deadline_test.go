package batch_test

// Drawn pipelines under a deadline.

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// A lateScene is a pipeline with functions before, in and after lanes that may take longer than there is time.
type lateScene struct {
	records           int
	fifo              bool
	before, in, last  []lateCall // by record; nil: the stage is missing
	lanes             int        // 0: no Parallel
	deadline, reserve time.Duration
	invoked           bool // run by a handler and not by Run
}

type lateCall struct {
	takes time.Duration // endless: until it is released
	heeds bool          // returns when its context ends
	fails bool
}

const endless = time.Hour

func drawLate(t *rapid.T) lateScene {
	l := lateScene{
		records:  rapid.IntRange(1, 12).Draw(t, "records"),
		fifo:     rapid.Bool().Draw(t, "fifo"),
		lanes:    rapid.IntRange(0, 5).Draw(t, "lanes"),
		deadline: time.Duration(rapid.IntRange(1, 30).Draw(t, "deadline")) * 16 * time.Millisecond,
		reserve:  time.Duration(rapid.IntRange(1, 20).Draw(t, "reserve")) * 16 * time.Millisecond,
		invoked:  rapid.Bool().Draw(t, "invoked"),
	}
	calls := func(name string) []lateCall {
		if !rapid.Bool().Draw(t, name) {
			return nil
		}
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) lateCall {
			c := lateCall{
				takes: time.Duration(rapid.IntRange(0, 20).Draw(t, "takes"))*5*time.Millisecond + 77*time.Microsecond,
				heeds: rapid.Bool().Draw(t, "heeds"),
				fails: rapid.IntRange(0, 9).Draw(t, "fails") == 0,
			}
			if rapid.IntRange(0, 7).Draw(t, "endless") == 0 {
				c.takes = endless
			}
			return c
		}), l.records, l.records).Draw(t, name)
	}
	l.before, l.in, l.last = calls("before"), calls("in"), calls("last")
	return l
}

// end returns when the records' context ends, and how long Run waits after that.
func (l lateScene) end() (end, patience time.Duration) {
	reserve := min(l.reserve, l.deadline/2)
	return l.deadline - reserve, reserve / 2
}

// A latePlay runs a scene and notes what happens.
type latePlay struct {
	lateScene
	start   time.Time
	release chan struct{}
	mu      sync.Mutex
	begun   []time.Duration
	running int
	ended   map[int][]time.Duration // by record: when functions returned without an error
	taps    int
}

func (l *latePlay) now() time.Duration { return time.Since(l.start) }

func (l *latePlay) stage(s batch.Stream[int], calls []lateCall) batch.Stream[int] {
	if calls == nil {
		return s
	}
	s = batch.TryEach(s, func(ctx context.Context, i int) error {
		l.mu.Lock()
		l.begun = append(l.begun, l.now())
		l.running++
		l.mu.Unlock()
		err := l.spend(ctx, calls[i])
		l.mu.Lock()
		defer l.mu.Unlock()
		l.running--
		if err == nil {
			l.ended[i] = append(l.ended[i], l.now())
		}
		return err
	})
	return batch.Tap(s, func(batch.Result[int]) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.taps++
	})
}

func (l *latePlay) spend(ctx context.Context, c lateCall) error {
	done := ctx.Done()
	if !c.heeds {
		done = nil
	}
	var over <-chan time.Time
	if c.takes < endless {
		over = time.After(c.takes)
	}
	select {
	case <-over:
	case <-l.release:
	case <-done:
		return ctx.Err()
	}
	if c.fails {
		return errDrawn
	}
	return nil
}

func (l *latePlay) pipeline(s batch.Stream[events.SQSMessage]) batch.Stream[int] {
	numbers := l.stage(batch.Map(s, func(m events.SQSMessage) int { return indexOf(m.Body) }), l.before)
	if l.lanes == 0 {
		numbers = l.stage(numbers, l.in)
	} else {
		numbers = batch.Parallel(numbers, l.lanes, func(s batch.Stream[int]) batch.Stream[int] { return l.stage(s, l.in) })
	}
	return l.stage(numbers, l.last)
}

func (l *latePlay) answer(ctx context.Context, opts ...batch.Option) (reported []string) {
	event := events.SQSEvent{Records: lo.Times(l.records, func(i int) events.SQSMessage {
		return events.SQSMessage{
			MessageId: strconv.Itoa(i), Body: strconv.Itoa(i), EventSource: "aws:sqs", EventSourceARN: lo.Ternary(l.fifo, fifoQueue, queue),
			Attributes: map[string]string{"MessageGroupId": strconv.Itoa(i % 3)},
		}
	})}
	opts = append(opts, batch.WithReserve(l.reserve), batch.WithoutAllFailedError())
	if !l.invoked {
		response, _ := batch.Run(batch.SQS(ctx, event, opts...), l.pipeline)
		return listed(response)
	}
	payload, _ := json.Marshal(event)
	answer, _ := batch.SQSHandler(l.pipeline, opts...).Invoke(ctx, payload)
	var response batch.Response
	_ = json.Unmarshal(answer, &response)
	return listed(response)
}

// stages returns how many functions each record needs.
func (l lateScene) stages() (n int) {
	for _, calls := range [][]lateCall{l.before, l.in, l.last} {
		if calls != nil {
			n++
		}
	}
	return n
}

// finished reports whether all functions had returned for the record by then.
func (l *latePlay) finished(i int, by time.Duration) bool {
	ended := l.ended[i]
	return len(ended) == l.stages() && (len(ended) == 0 || slices.Max(ended) <= by)
}

func TestTheResponseArrivesInTimeAndReportsUnfinishedRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawLate(t)
		rapid.SyncTest(t, func(t *rapid.T) {
			l := &latePlay{lateScene: c, start: time.Now(), release: make(chan struct{}), ended: map[int][]time.Duration{}}
			ctx, cancel := context.WithTimeout(context.Background(), c.deadline)
			defer cancel()
			release := sync.OnceFunc(func() { close(l.release) })
			defer release()
			var report batch.Report
			var log strings.Builder
			reported := l.answer(ctx,
				reportInto(&report),
				batch.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
			answered := l.now()
			synctest.Wait()
			l.mu.Lock()
			begun, taps, running := len(l.begun), l.taps, l.running
			l.mu.Unlock()
			end, patience := c.end()

			if answered > end+patience {
				t.Fatalf("responded at %v, later than %v", answered, end+patience)
			}
			for _, at := range l.begun {
				if at > end {
					t.Fatalf("a function began at %v, later than %v", at, end)
				}
			}
			if c.lanes > 0 {
				patience /= 2
			}
			for i := range c.records {
				switch isReported := slices.Contains(reported, strconv.Itoa(i)); {
				case !isReported && !l.finished(i, answered):
					t.Fatalf("record %d is acknowledged, but its functions returned only at %v", i, l.ended[i])
				case isReported && l.finished(i, end+patience) && !c.fifo:
					t.Fatalf("record %d is reported, but its functions returned at %v", i, l.ended[i])
				}
			}
			if sum := report.Acknowledged + report.Failed + report.Blocked + report.NotStarted + report.Unreached; sum != c.records || len(reported) != c.records-report.Acknowledged {
				t.Fatalf("report %+v", report)
			}
			if report.Unreached < running && !c.fifo {
				t.Fatalf("%d unreached, but %d still running", report.Unreached, running)
			}
			if stuckAfterLanes := c.last != nil && answered == end+2*patience; !stuckAfterLanes && !strings.Contains(log.String()+`"running":0`, fmt.Sprintf(`"running":%d`, running)) {
				t.Fatalf("%d still running, but the log says %s", running, log.String())
			}

			release()
			time.Sleep(time.Minute)
			l.mu.Lock()
			defer l.mu.Unlock()
			if len(l.begun) != begun || l.taps != taps {
				t.Fatalf("%d functions and %d taps after the response", len(l.begun)-begun, l.taps-taps)
			}
		})
	})
}
