package batch_test

// Hooks that open and close scopes may panic, end their goroutine, take long or never return, as functions may.

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// A hookScene is a drawn batch, and a hook that misbehaves for some of its records.
type hookScene struct {
	lanes, parts, chunk int      // 0: none
	opens, closes       []string // what opening and closing does, by record
	timed               bool
}

func drawHooks(t *rapid.T) hookScene {
	n := rapid.IntRange(1, 12).Draw(t, "records")
	does := []string{"", "", "", "panics", "exits", "takes long"}
	timed := rapid.Bool().Draw(t, "timed")
	if timed {
		does = append(does, "hangs")
	}
	return hookScene{
		lanes:  rapid.SampledFrom([]int{0, 1, 4, 16}).Draw(t, "lanes"),
		parts:  rapid.SampledFrom([]int{0, 2, 3}).Draw(t, "parts"),
		chunk:  rapid.SampledFrom([]int{0, 2, 100}).Draw(t, "chunk"),
		opens:  rapid.SliceOfN(rapid.SampledFrom(does), n, n).Draw(t, "open"),
		closes: rapid.SliceOfN(rapid.SampledFrom(does), n, n).Draw(t, "close"),
		timed:  timed,
	}
}

// A hookPlay runs a scene and counts by record how often a scope is opened and closed.
type hookPlay struct {
	hookScene
	free chan struct{}

	mu                    sync.Mutex
	opening, open, closed map[int]int
	wrong                 []string
}

func (p *hookPlay) do(what string) {
	switch what {
	case "panics":
		panic(errBoom)
	case "exits":
		runtime.Goexit()
	case "takes long":
		time.Sleep(3 * time.Millisecond)
	case "hangs":
		<-p.free
	}
}

func (p *hookPlay) count(counts map[int]int, record int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts[record]++
}

type hookKey struct{}

func (p *hookPlay) hook(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	p.count(p.opening, r.Index)
	p.do(p.opens[r.Index])
	p.count(p.open, r.Index)
	return context.WithValue(ctx, hookKey{}, r.Index), func(batch.Outcome) {
		p.count(p.closed, r.Index)
		p.do(p.closes[r.Index])
	}
}

// around is a well-behaved hook around the other one. It counts under negative numbers.
func (p *hookPlay) around(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	p.count(p.open, -1-r.Index)
	return ctx, func(batch.Outcome) { p.count(p.closed, -1-r.Index) }
}

func (p *hookPlay) pipeline(s texts) texts {
	stage := func(s texts) texts {
		if p.parts > 0 {
			s = batch.FlatMap(s, func(v string) []string { return slices.Repeat([]string{v}, p.parts) })
		}
		s = batch.TryEach(s, func(ctx context.Context, v string) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			if ctx.Value(hookKey{}) != indexOf(v) {
				p.wrong = append(p.wrong, v+" outside of its scope")
			}
			return nil
		})
		if p.chunk > 0 {
			s = batch.TryEachChunk(s, p.chunk, func(context.Context, []string) error { return nil })
		}
		return s
	}
	if p.lanes > 0 {
		return batch.Parallel(s, p.lanes, stage)
	}
	return stage(s)
}

func TestMisbehavingHooksAffectOnlyTheirRecordAndNoOtherHook(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		scene := drawHooks(t)
		rapid.SyncTest(t, func(t *rapid.T) {
			p := &hookPlay{hookScene: scene, free: make(chan struct{}), opening: map[int]int{}, open: map[int]int{}, closed: map[int]int{}}
			release := sync.OnceFunc(func() { close(p.free) })
			defer release()
			ctx := context.Background()
			if p.timed {
				timed, cancel := context.WithTimeout(ctx, 10*time.Second)
				defer cancel()
				ctx = timed
			}
			var report batch.Report
			start := time.Now()
			_, _ = batch.Run(grouped(ctx, make([]string, len(p.opens)), batch.WithoutAllFailedError(), batch.WithReserve(time.Second),
				batch.WithScope(p.around), batch.WithScope(p.hook),
				reportInto(&report)), p.pipeline)
			if took := time.Since(start); p.timed && took > 9750*time.Millisecond {
				t.Fatalf("responded after %v", took)
			}
			p.costTheirRecordAtMost(t, report)
			release()
			time.Sleep(time.Minute)
			p.closedOnce(t)
		})
	})
}

func (p *hookPlay) costTheirRecordAtMost(t *rapid.T, report batch.Report) {
	reported := map[int]error{}
	for _, f := range report.Failures {
		reported[f.Record.Index] = f.Err
	}
	cut := slices.Contains(p.opens, "exits") || slices.Contains(p.opens, "hangs") && p.lanes < len(p.opens)*max(p.parts, 1)
	for i, does := range p.opens {
		err := reported[i]
		var panicked *batch.PanicError
		switch {
		case does == "panics" && !errors.As(err, &panicked) && !cut:
			t.Fatalf("the hook of record %d panics, but the record is reported with %v", i, err)
		case (does == "panics" || does == "exits" || does == "hangs") && err == nil:
			t.Fatalf("the hook of record %d %s, but the record is acknowledged", i, does)
		case does != "panics" && does != "exits" && does != "hangs" && err != nil && !cut && p.chunk == 0:
			t.Fatalf("record %d is reported with %v, though its hook behaves", i, err)
		}
	}
}

func (p *hookPlay) closedOnce(t *rapid.T) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.wrong) > 0 {
		t.Fatal(p.wrong)
	}
	for i, n := range p.opening {
		if n > 1 {
			t.Fatalf("the scope of record %d is opened %d times", i, n)
		}
	}
	if fmt.Sprint(p.open) != fmt.Sprint(p.closed) {
		t.Fatalf("opened %v, closed %v", p.open, p.closed)
	}
}
