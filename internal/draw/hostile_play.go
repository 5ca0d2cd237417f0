package draw

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
)

// HostilePlay runs a HostileScene and notes what its functions do.
type HostilePlay struct {
	HostileScene
	Free   chan struct{} // close it to release the functions that hang
	Scopes Scopes
	Start  time.Time

	mu       sync.Mutex
	seq      int       // of the last thing noted
	ends     time.Time // when the records' contexts end; zero: never
	answered int       // the last thing noted before the response; 0: none yet
	ranges   int
	runs     map[context.Context]int // by the context of a record, which is another one in each range
	calls    []*hostileCall
	nth      map[string]int // calls by function and value
	failures map[failureKey]*hostileFailure
	passes   map[anchor][]hostilePass
	arrivals []hostileArrival
	crashed  bool // a stage outside of lanes has panicked
	wrong    []string
}

type (
	// A level is the outside of lanes, or the inside of one lane.
	level struct {
		outer *level // nil: outside of lanes
		lanes int    // the number of the stage
		hands bool   // a stage hands Results over, here or around: a function may be called for a Result that belongs to another lane

		handed map[int][]text // by stage, what the lanes of one range have handed over
	}
	// An anchor is the last place before a function at which the order of a group may have changed: the source, a
	// hostile stage, or the end of lanes with hostile stages.
	anchor struct {
		id    int // of the stage; 0: the source
		level *level
	}
	site struct {
		level  *level
		anchor anchor
		loose  bool // in lanes whose stages nest ranges or keep copies from them; see nests and copiesAhead
	}
	hostileCall struct {
		fn, record, run, bulk int // bulk is the number of the call for a chunk
		value                 string
		site
		began, ended int // 0: it has not returned
		outcome      string
	}
	failureKey     struct{ serial, record int }
	hostileFailure struct {
		record, run int
		ranges      bool // a chunk has had Results of the record from several ranges
		value       string
		fn          int
		by          string
		seen        map[*level]time.Time   // since when it is there
		entered     map[crossing]time.Time // when it entered lanes
		left        map[crossing]time.Time // when it left them
		settled     time.Time              // zero: not at all
		settledBy   int                    // the stage
		noted       int
	}
	crossing struct {
		outer *level
		lanes int
	}
	hostilePass    struct{ noted, record, run int }
	hostileArrival struct {
		noted, record, run int
		fails              bool
	}
)

// HostileFault is the error of a function.
type HostileFault struct {
	Serial int
	Value  string
	Do     string
}

func (f HostileFault) Error() string { return fmt.Sprintf("%s %d of %s", f.Do, f.Serial, f.Value) }

// Play prepares to run the scene. Inside a bubble of testing/synctest, call it there.
func (s HostileScene) Play() *HostilePlay {
	return &HostilePlay{HostileScene: s, Free: make(chan struct{}), Start: time.Now(), runs: make(map[context.Context]int),
		nth: make(map[string]int), failures: make(map[failureKey]*hostileFailure), passes: make(map[anchor][]hostilePass)}
}

const (
	hostileTime    = 10 * time.Second
	hostileReserve = time.Second
)

// Answer runs the scene.
func (p *HostilePlay) Answer() (batch.Response, error) {
	ctx, cancel := context.WithCancel(context.Background())
	if p.Timed {
		ctx, cancel = context.WithTimeout(ctx, hostileTime)
		p.ends = p.Start.Add(hostileTime - hostileReserve)
	}
	defer cancel()
	if p.CancelAt > 0 {
		time.AfterFunc(p.CancelAt, cancel)
		p.ends = p.Start.Add(p.CancelAt)
	}
	source := batch.From(ctx, p.values(), func(v string) batch.Record {
		return batch.Record{ID: "r" + v, Group: p.Groups[indexOf(v)]}
	}, append(p.Scopes.Options(), batch.WithPolicy(p.Policy), batch.WithReserve(hostileReserve), batch.WithoutAllFailedError())...)
	outside := new(level)
	response, err := batch.Run(source, func(s texts) texts {
		at := site{level: outside, anchor: anchor{0, outside}}
		return p.watch(p.stages(p.Stages, at, p.tagged(s, at)), p.noteArrival)
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = p.next()
	return response, err
}

func (p *HostilePlay) values() (all []string) {
	for i := range p.Groups {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

// next numbers what is noted. The caller has the lock.
func (p *HostilePlay) next() int {
	p.seq++
	return p.seq
}

func (p *HostilePlay) complain(format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

// tagged appends to each value the number of the range.
func (p *HostilePlay) tagged(s texts, at site) texts {
	return func(yield func(text) bool) {
		p.mu.Lock()
		p.ranges++
		run := p.ranges
		p.mu.Unlock()
		tagged := batch.Map(s, func(v string) string {
			p.Scopes.Call(indexOf(v))
			return v + "@" + strconv.Itoa(run)
		})
		p.anchored(p.watch(tagged, func(r text) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.runs[r.Context()] = run
		}), at.anchor)(yield)
	}
}

func runOf(v string) int {
	_, after, _ := strings.Cut(v, "@")
	return indexOf(after)
}

func (p *HostilePlay) watch(s texts, note func(text)) texts {
	return func(yield func(text) bool) {
		s(func(r text) bool {
			note(r)
			return yield(r)
		})
	}
}

// anchored notes the Results that pass an anchor.
func (p *HostilePlay) anchored(s texts, at anchor) texts {
	return p.watch(s, func(r text) {
		v, ok := r.Value()
		if f, failed := faultOf(r.Err()); failed && f.Do == settles {
			v, ok = f.Value, true // it may be ready again
		}
		if ok {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.passes[at] = append(p.passes[at], hostilePass{p.next(), indexOf(v), runOf(v)})
		}
	})
}

func faultOf(err error) (f HostileFault, ok bool) {
	ok = errors.As(err, &f)
	return f, ok
}

func (p *HostilePlay) noteArrival(r text) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrivals = append(p.arrivals, hostileArrival{p.next(), r.Record().Index, p.runs[r.Context()], r.Err() != nil})
}

func (p *HostilePlay) noteCrash(at site) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crashed = p.crashed || at.level.outer == nil
}

func (p *HostilePlay) stages(all []HostileStage, at site, s texts) texts {
	for _, stage := range all {
		switch stage.Kind {
		case "each", "map", "filter", "chunk":
			s = p.each(stage, at, s)
		case "flat":
			s = batch.FlatMap(s, func(v string) []string { return parts(v, 0, stage.N) })
		case "catch":
			s = batch.Catch(s, func(ctx context.Context, err error) error { return p.recover(ctx, stage, at, err) })
		case "orElse":
			s = batch.OrElse(s, func(ctx context.Context, err error) (string, error) {
				f, _ := faultOf(err)
				return f.Value, p.recover(ctx, stage, at, err)
			})
		case "lanes", "routes":
			s = p.lanes(stage, at, s)
			if at.anchor.id != 0 || stage.copiesLate() {
				at.anchor = anchor{stage.ID, at.level}
				s = p.anchored(s, at.anchor)
			}
		default:
			s = p.hostile(stage, at, s)
			if HasKind([]HostileStage{stage}, reordering...) {
				at.anchor = anchor{stage.ID, at.level}
				s = p.anchored(s, at.anchor)
			}
		}
	}
	return s
}

// lanes are lanes or routes. Each lane is a level of its own.
func (p *HostilePlay) lanes(stage HostileStage, at site, s texts) texts {
	x := crossing{at.level, stage.ID}
	s = p.watch(s, func(r text) { p.noteCrossing(r, x, false) })
	together := func(yield func(text) bool) { p.together(stage, at, s)(yield) }
	return p.watch(together, func(r text) { p.noteCrossing(r, x, true) })
}

// together are the lanes of one range.
func (p *HostilePlay) together(stage HostileStage, at site, s texts) texts {
	hands := at.level.hands || HasKind(stage.In, "hand")
	handed := make(map[int][]text)
	inside := func(s texts) texts {
		lane := &level{at.level, stage.ID, hands, handed}
		return p.stages(stage.In, site{lane, at.anchor, at.loose || stage.nests() || stage.copiesAhead()}, s)
	}
	if stage.Kind == "lanes" {
		return batch.Parallel(s, stage.N, inside)
	}
	routes := make(map[int]batch.Stage[string, string])
	for k := range stage.N {
		routes[k] = inside
	}
	return batch.Route(s, func(v string) int { return indexOf(v) % stage.N }, routes)
}

// copiesLate reports whether a copy may come after the Result itself has left the lane. A stage that fetches ahead asks for
// the next Result, while it still keeps the copy.
func (s HostileStage) copiesLate() bool {
	return HasKind(s.In, repeating...) || HasKind(s.In, "copy") && (HasKind(s.In, reordering...) || HasKind(s.In, "nested", "ahead"))
}

// copiesAhead reports whether a stage in the lane copies Results, and another one sends them, or fetches them, on another
// goroutine. When the Result itself has left and the lane has gone on, nothing there knows of the copy before a function is
// called for it.
func (s HostileStage) copiesAhead() bool {
	return (HasKind(s.In, "copy") || HasKind(s.In, repeating...)) && HasKind(s.In, "ahead")
}

// nests reports whether a stage ranges over the stream of a lane while another range over it is under way.
func (s HostileStage) nests() bool {
	return slices.ContainsFunc(s.In, func(in HostileStage) bool { return in.Kind == "nested" })
}

func (p *HostilePlay) noteCrossing(r text, x crossing, left bool) {
	f := p.failureOf(r)
	if f == nil {
		return
	}
	p.mu.Lock()
	if left {
		noteFirst(f.left, x)
		noteFirst(f.seen, x.outer)
	} else {
		noteFirst(f.entered, x)
	}
	p.mu.Unlock()
	if left {
		time.Sleep(time.Microsecond)
	}
}

func noteFirst[K comparable](when map[K]time.Time, key K) {
	if _, ok := when[key]; !ok {
		when[key] = time.Now()
	}
}

// failureOf returns the failure of a Result, nil if it has none that a function has caused.
func (p *HostilePlay) failureOf(r text) *hostileFailure {
	fault, ok := faultOf(r.Err())
	if !ok {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures[failureKey{fault.Serial, r.Record().Index}]
}

// Most returns the time that the response may take.
func (p *HostilePlay) Most() time.Duration {
	if p.ends.IsZero() {
		return time.Hour
	}
	return p.ends.Sub(p.Start) + hostileReserve/2
}

// Outcomes returns what the functions have done.
func (p *HostilePlay) Outcomes() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		if !slices.Contains(all, c.outcome) {
			all = append(all, c.outcome)
		}
	}
	return all
}
