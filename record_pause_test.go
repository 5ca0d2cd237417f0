package batch

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// Goroutines pause a feeder, go to other records during their pauses, and resume, in any order. Of the pauses that are not over,
// the one that went to a record last says which is current. A record that is set outside of pauses replaces them all.
func TestPausesMayEndInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := new(run)
		f, model := &feeder{run: r}, pauseModel{}
		check := func(t *rapid.T) {
			if got, want := word(f.current.Load()).record(), model.current(); got != want {
				t.Fatalf("current is %d, should be %d", got, want)
			}
			if len(f.left) == 0 && f.someLeft.Load() {
				t.Fatal("the feeder counts on words that were left, but there are none")
			}
		}
		innermost := func(t *rapid.T) *modelPause {
			goroutine := rapid.IntRange(0, 2).Draw(t, "goroutine")
			of := slices.DeleteFunc(slices.Clone(model.pauses), func(p *modelPause) bool { return p.goroutine != goroutine })
			if len(of) == 0 {
				t.Skip("it has not paused")
			}
			return of[len(of)-1]
		}
		t.Repeat(map[string]func(*rapid.T){
			"": check,
			"pause": func(t *rapid.T) {
				p := &modelPause{goroutine: rapid.IntRange(0, 2).Draw(t, "goroutine"), pause: f.pause()}
				model.pauses = append(model.pauses, p)
				model.stack = append(model.stack, p)
			},
			"go to a record": func(t *rapid.T) {
				p := innermost(t)
				p.record = rapid.Uint32Range(0, 3).Draw(t, "record")
				p.setCurrent(entryOf(r, p.record))
				model.stack = append(model.without(p), p)
			},
			"resume": func(t *rapid.T) {
				p := innermost(t)
				p.resume()
				model.stack = model.without(p)
				model.pauses = slices.DeleteFunc(model.pauses, func(other *modelPause) bool { return other == p })
				if len(model.pauses) == 0 && !model.replaced && len(f.left) > 0 {
					t.Fatalf("all pauses are over, but %v are left", f.left)
				}
			},
			"set": func(t *rapid.T) {
				model.base = rapid.Uint32Range(0, 3).Draw(t, "record")
				model.replaced = model.replaced || len(model.pauses) > 0
				model.stack = nil
				f.set(model.base)
			},
		})
	})
}

// A pauseModel has the pauses that are not over, in the order in which they began. Its stack has those of them that have not been
// replaced, in the order in which they last went to a record.
type pauseModel struct {
	base          uint32
	replaced      bool
	pauses, stack []*modelPause
}

type modelPause struct {
	pause
	goroutine int
	record    uint32
}

func (m *pauseModel) current() uint32 {
	if len(m.stack) == 0 {
		return m.base
	}
	return m.stack[len(m.stack)-1].record
}

func (m *pauseModel) without(p *modelPause) []*modelPause {
	return slices.DeleteFunc(m.stack, func(other *modelPause) bool { return other == p })
}

// entryOf returns an entry of the record, as it is counted in a word.
func entryOf(r *run, record uint32) *entry {
	if record == 0 {
		return nil
	}
	return &entry{level: &level{run: r}, index: int32(record - 1)}
}

func TestNoPauseRemainsWhenManyGoroutinesHaveResumed(t *testing.T) {
	is := is.New(t)
	r := new(run)
	f := &feeder{run: r}
	f.set(7)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 2000 {
				outer := f.pause()
				outer.setCurrent(entryOf(r, 1))
				runtime.Gosched()
				inner := f.pause()
				if i%3 == 0 {
					runtime.Gosched()
				}
				inner.resume()
				outer.setCurrent(entryOf(r, 2))
				outer.resume()
			}
		})
	}
	all.Wait()
	is.Equal(word(f.current.Load()).record(), uint32(7))
	is.Equal(len(f.left), 0)
	is.True(!f.someLeft.Load())
}

// A goroutine in the lane pauses its feeder, goes to the second record and leaves it, while another one, which is at the first
// record, waits to emit it.
func TestALaneIsIdleWhileItEmitsWhateverOtherGoroutinesInItDo(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for r := range From(ctx, []string{"x"}, func(id string) Record { return Record{ID: id} }) {
		lane, in := new(level), new(inlet)
		lane.open(ctx, r.h.entry.level.run)
		in.entrances.Store(&[]entrance{{level: lane}})
		f := lane.lastFeeder()

		later := f.pause()
		later.setCurrent(r.h.entry)
		earlier := f.pause()
		emitting := in.pause(nil)
		earlier.setCurrent(&entry{level: lane, index: 1})
		earlier.resume()
		is.True(!slices.Contains(f.appendRunning(nil), 0))
		for _, p := range emitting {
			p.resume()
		}
		is.True(slices.Contains(f.appendRunning(nil), 0))
		later.resume()
		is.True(!slices.Contains(f.appendRunning(nil), 0))
	}
}
