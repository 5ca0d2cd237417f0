package draw

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// A Scene is a pipeline with effects before, in and after lanes. Some effects fail or hang, and there is
// time for all others to end.
type Scene struct {
	Policy batch.Policy
	Groups []string // by record
	Lanes  []int    // the numbers of nested lanes, from the outside
	Routes int      // routes around the innermost effects; 0: none
	Before int      // effects before the lanes
	Inside int      // effects in the innermost lanes
	After  int      // effects after the lanes
	Parts  int      // parts into which records are split in the lanes
	Hand   bool     // a stage written by hand follows the lanes
	Bulk   int      // size of the chunks at the end; 0: none
	Within int      // size of chunks in the lanes; 0: none
	Again  int      // lanes without effects that follow; 0: none
	Break  int      // Results after which the stage written by hand stops; 0: never
	Fates  []SceneFate
}

// SceneFate is what happens to a record at one of its effects.
type SceneFate struct {
	Do    string          // fails, panics, rejects, settles (fails and is caught in the lanes), hangs, exits, or ""
	At    int             // the number of the effect
	Takes []time.Duration // by effect
}

const (
	hangs = "hangs"
	exits = "exits" // ends its goroutine
)

func (s Scene) effects() int { return s.Before + s.Inside + s.After }

func (s Scene) inLanes(at int) bool { return at >= s.Before && at < s.Before+s.Inside }

// Scenes draws scenes in which functions may fail, and may hang in lanes.
func Scenes() *rapid.Generator[Scene] {
	return scenes([]string{"", "", "", fails, panics, rejects, settles, hangs})
}

// Rough draws scenes in which functions may also end their goroutine or hang anywhere, and a stage may
// stop early.
func Rough() *rapid.Generator[Scene] {
	return rapid.Custom(func(t *rapid.T) Scene {
		s := scenes([]string{"", "", "", "", fails, panics, rejects, settles, hangs, exits}).Draw(t, "scene")
		for i := range s.Fates {
			if rapid.IntRange(0, 9).Draw(t, "rough") == 0 {
				s.Fates[i].Do = rapid.SampledFrom([]string{hangs, exits}).Draw(t, "does")
			}
		}
		if s.Hand && rapid.Bool().Draw(t, "breaks") {
			s.Break = rapid.IntRange(1, 8).Draw(t, "break")
		}
		return s
	})
}

func scenes(what []string) *rapid.Generator[Scene] {
	return rapid.Custom(func(t *rapid.T) Scene {
		s := Scene{
			Policy: rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch}).Draw(t, "policy"),
			Groups: rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "c"}), 1, 16).Draw(t, "groups"),
			Lanes:  rapid.SliceOfN(rapid.IntRange(1, 4), 1, 2).Draw(t, "lanes"),
			Before: rapid.IntRange(0, 2).Draw(t, "before"),
			Inside: rapid.IntRange(1, 2).Draw(t, "inside"),
			After:  rapid.IntRange(0, 2).Draw(t, "after"),
			Parts:  rapid.IntRange(1, 3).Draw(t, "parts"),
			Hand:   rapid.Bool().Draw(t, "by hand"),
			Bulk:   rapid.SampledFrom([]int{0, 1, 3, 100}).Draw(t, "bulk"),
			Again:  rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "lanes again"),
		}
		free := -1
		for _, n := range s.Lanes {
			free = max(free, 1) * n
		}
		for range s.Groups {
			s.Fates = append(s.Fates, s.fate(t, what, &free))
		}
		if !slices.ContainsFunc(s.Fates, func(f SceneFate) bool { return f.Do == hangs }) {
			// A lane that hangs cannot write what it holds.
			s.Within = rapid.SampledFrom([]int{0, 0, 2, 100}).Draw(t, "in bulk in lanes")
			// A route that hangs keeps its later records.
			s.Routes = rapid.SampledFrom([]int{0, 0, 1, 2, 3}).Draw(t, "routes")
			if s.Routes > 0 {
				s.Lanes = s.Lanes[:rapid.IntRange(0, len(s.Lanes)).Draw(t, "lanes around routes")]
			}
		}
		return s
	})
}

// fate draws the fate of one record. free is the number of lanes in which nothing hangs. One must remain.
func (s Scene) fate(t *rapid.T, what []string, free *int) SceneFate {
	f := SceneFate{Do: rapid.SampledFrom(what).Draw(t, "does")}
	f.At = rapid.IntRange(0, s.effects()-1).Draw(t, "at")
	switch {
	case f.Do == hangs && (!s.inLanes(f.At) || *free == 1):
		f.Do = ""
	case f.Do == hangs:
		*free--
	case f.Do == settles && !s.inLanes(f.At):
		f.Do = fails
	}
	for range s.effects() {
		f.Takes = append(f.Takes, time.Duration(rapid.IntRange(0, 3).Draw(t, "ms"))*time.Millisecond)
	}
	return f
}

// Acted records what the functions of a Scene did, in order.
type Acted struct {
	Scene
	Free   chan struct{} // close it to release the functions that hang
	Scopes Scopes        // of the records of Source

	mu   sync.Mutex
	acts []act
}

type act struct {
	at, record int
	value      string
}

var errSettled = errors.New("to be settled")

// Pipeline is the pipeline of the scene.
func (a *Acted) Pipeline(s batch.Stream[string]) batch.Stream[string] {
	s = a.effect(s, 0, a.Before)
	inside := func(s batch.Stream[string]) batch.Stream[string] {
		s = batch.FlatMap(s, func(v string) []string {
			a.Scopes.Call(indexOf(v))
			return parts(v, 0, a.Parts)
		})
		s = a.effect(s, a.Before, a.Before+a.Inside)
		s = batch.Catch(s, func(_ context.Context, err error) error {
			if errors.Is(err, errSettled) {
				return nil
			}
			return err
		})
		if a.Within > 0 {
			s = batch.TryEachChunk(s, a.Within, func(context.Context, []string) error { return nil })
		}
		return s
	}
	if a.Routes > 0 {
		inside = a.routed(inside)
	}
	for _, n := range slices.Backward(a.Lanes) {
		stage := inside
		inside = func(s batch.Stream[string]) batch.Stream[string] { return batch.Parallel(s, n, stage) }
	}
	s = inside(s)
	if a.Again > 0 {
		s = batch.Parallel(s, a.Again, byHand(0))
	}
	if a.Hand {
		s = byHand(a.Break)(s)
	}
	s = a.effect(s, a.Before+a.Inside, a.effects())
	if a.Bulk == 0 {
		return s
	}
	return batch.TryEachChunk(s, a.Bulk, func(_ context.Context, vs []string) error {
		for _, v := range vs {
			a.Scopes.Call(indexOf(v))
			a.note(a.effects(), v)
		}
		return nil
	})
}

// routed distributes the records over the routes in turn.
func (a *Acted) routed(stage batch.Stage[string, string]) batch.Stage[string, string] {
	routes := lo.Associate(lo.Range(a.Routes), func(k int) (int, batch.Stage[string, string]) { return k, stage })
	return func(s batch.Stream[string]) batch.Stream[string] {
		return batch.Route(s, func(v string) int {
			a.Scopes.Call(indexOf(v))
			return indexOf(v) % a.Routes
		}, routes)
	}
}

// byHand passes on as many Results as most says, all if most is 0.
func byHand(most int) func(batch.Stream[string]) batch.Stream[string] {
	return func(s batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			n := 0
			for r := range s {
				if n++; !yield(r) || n == most {
					return
				}
			}
		}
	}
}

func (a *Acted) effect(s batch.Stream[string], from, to int) batch.Stream[string] {
	for at := from; at < to; at++ {
		s = batch.TryFilter(s, func(ctx context.Context, v string) (bool, error) {
			a.Scopes.CallIn(ctx, indexOf(v))
			return a.do(at, v)
		})
	}
	return s
}

func (a *Acted) do(at int, v string) (keep bool, err error) {
	f := a.Fates[indexOf(v)]
	time.Sleep(f.Takes[at])
	if f.At == at {
		switch f.Do {
		case fails:
			return false, Fault{Stage: at, Of: v}
		case panics:
			panic(Fault{Stage: at, Of: v})
		case settles:
			return false, Fault{Stage: at, Of: v, As: errSettled}
		case exits:
			runtime.Goexit()
		case hangs:
			if !strings.Contains(v, "/") || strings.HasSuffix(v, "/0") { // only the first part, so that one lane hangs
				<-a.Free
			}
		}
	}
	a.note(at, v)
	return f.At != at || f.Do != rejects, nil
}

func (a *Acted) note(at int, v string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acts = append(a.acts, act{at, indexOf(v), v})
}

// Source is the source of the scene, with scopes.
func (a *Acted) Source(ctx context.Context, opts ...batch.Option) batch.Stream[string] {
	return batch.From(ctx, lo.Times(len(a.Groups), strconv.Itoa), func(v string) batch.Record {
		return batch.Record{ID: "r" + v, Group: a.Groups[indexOf(v)]}
	}, slices.Concat(opts, a.Scopes.Options(), []batch.Option{batch.WithPolicy(a.Policy), batch.WithoutAllFailedError()})...)
}

// Reported returns the identifiers that the response must list: those of the records that fail or
// hang, and of the records that they hold back.
func (s Scene) Reported() []string {
	return lo.FilterMap(s.Groups, func(_ string, i int) (string, bool) {
		return "r" + strconv.Itoa(i), s.bad(i) || !s.First(i)
	})
}

// First reports whether no earlier record holds back record i.
func (s Scene) First(i int) bool { return !slices.ContainsFunc(s.earlier(i), s.bad) }

func (s Scene) bad(i int) bool {
	return slices.Contains([]string{fails, panics, hangs, exits}, s.Fates[i].Do)
}

// earlier returns the records that a record must not overtake.
func (s Scene) earlier(i int) []int {
	return lo.Filter(lo.Range(i), func(j, _ int) bool {
		return s.Policy == batch.StopBatch || s.Policy == batch.StopGroup && s.Groups[i] != "" && s.Groups[i] == s.Groups[j]
	})
}

// Wrong returns what is wrong with the effects, given the reported identifiers, and "" if nothing is.
// Each effect of a record that is not reported must have happened once. At each place, groups must
// take effect in order. Once a record has failed at a place or before it, no later record of its
// group may take effect there.
func (a *Acted) Wrong(reported []string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	counts := map[string]int{}
	for k, act := range a.acts {
		key := fmt.Sprint(act.at, " ", act.value)
		if counts[key]++; counts[key] > 1 {
			return "twice: " + key
		}
		for _, later := range a.acts[:k] {
			if later.at == act.at && later.record > act.record && a.mustFollow(later.record, act.record, act.at) {
				return fmt.Sprintf("at %d, %d took effect before %d", act.at, later.record, act.record)
			}
		}
		for _, j := range a.earlier(act.record) {
			f := a.Fates[j]
			if a.bad(j) && f.At <= act.at && a.mustFollow(act.record, j, act.at) {
				return fmt.Sprintf("%d took effect at %d, though %d had failed at %d", act.record, act.at, j, f.At)
			}
		}
	}
	for i := range a.Groups {
		if !slices.Contains(reported, "r"+strconv.Itoa(i)) {
			if missing := a.missing(i, counts); missing != "" {
				return "missing: " + missing
			}
		}
	}
	return ""
}

// mustFollow reports whether the later record must not overtake the earlier one at an effect. In lanes
// only groups are in order.
func (s Scene) mustFollow(later, earlier, at int) bool {
	if s.inLanes(at) && (s.Groups[later] == "" || s.Groups[later] != s.Groups[earlier]) {
		return false
	}
	return slices.Contains(s.earlier(later), earlier)
}

// missing returns an effect that record i lacks, "" if it lacks none.
func (s Scene) missing(i int, counts map[string]int) string {
	f := s.Fates[i]
	for at := range s.effects() + 1 {
		if f.At < at && (f.Do == rejects || f.Do == settles) || f.At == at && f.Do == settles || at == s.effects() && s.Bulk == 0 {
			return ""
		}
		values := []string{strconv.Itoa(i)}
		if at >= s.Before {
			values = parts(values[0], 0, s.Parts)
		}
		for _, v := range values {
			if key := fmt.Sprint(at, " ", v); counts[key] != 1 {
				return key
			}
		}
	}
	return ""
}
