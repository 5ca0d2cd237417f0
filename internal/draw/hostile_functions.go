package draw

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/lambdabatch/batch"
)

// each is a stage with a function. After a failure the time goes on, so that whatever happens at a later time happens
// after it.
func (p *HostilePlay) each(stage HostileStage, at site, s texts) texts {
	one := func(ctx context.Context, v string) (bool, error) {
		return p.act(ctx, stage.Fn, at, []string{v})[0].result()
	}
	switch stage.Kind {
	case "filter":
		s = batch.TryFilter(s, one)
	case "map":
		s = batch.TryMap(s, func(ctx context.Context, v string) (string, error) {
			_, err := one(ctx, v)
			return v, err
		})
	case "chunk":
		s = batch.TryEachChunk(s, stage.N, func(ctx context.Context, vs []string) error {
			items := batch.ItemErrors{}
			for i, r := range p.act(ctx, stage.Fn, at, vs) {
				items[i] = r.err
				if r.all {
					return r.err
				}
			}
			return items
		})
	default:
		s = batch.TryEach(s, func(ctx context.Context, v string) error {
			_, err := one(ctx, v)
			return err
		})
	}
	return p.watch(s, func(r text) {
		if r.Err() != nil {
			time.Sleep(time.Microsecond)
		}
	})
}

// A deed is how a function ends for one value.
type deed struct {
	reject bool
	all    bool // the error is that of the whole chunk
	err    error
}

func (d deed) result() (keep bool, err error) { return !d.reject, d.err }

// act is what a function does for the values that it is called with.
func (p *HostilePlay) act(ctx context.Context, fn int, at site, vs []string) (deeds []deed) {
	all := p.begin(ctx, fn, at, vs)
	for _, c := range all {
		time.Sleep(p.Takes[(c.record*7+fn)%len(p.Takes)])
		switch c.outcome {
		case hangs:
			<-p.Free
		case waits:
			<-ctx.Done()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	serial := p.seq
	for _, c := range all { // an outcome that concerns the whole chunk
		switch c.outcome {
		case panics, exits, waits:
			f := HostileFault{serial, c.value, c.outcome}
			for _, of := range all {
				of.ended, of.outcome = p.next(), c.outcome
				if c.outcome != exits || p.kindOf(fn) != "chunk" { // a chunk's goroutine ends without a failure
					p.noteFailure(of, f)
				}
			}
			if c.outcome == panics {
				panic(f)
			}
			if c.outcome == exits {
				runtime.Goexit()
			}
			return []deed{{err: f, all: true}}
		}
	}
	for _, c := range all {
		c.ended = p.next()
		d := deed{reject: c.outcome == rejects}
		if c.outcome == fails || c.outcome == settles {
			f := HostileFault{p.next(), c.value, c.outcome}
			p.noteFailure(c, f)
			d.err = f
		}
		deeds = append(deeds, d)
	}
	return deeds
}

func (p *HostilePlay) noteFailure(c *hostileCall, f HostileFault) {
	key := failureKey{f.Serial, c.record}
	before := p.failures[key] // of a copy in the same chunk
	p.failures[key] = &hostileFailure{record: c.record, run: c.run, value: c.value, fn: c.fn, by: f.Do,
		ranges: before != nil && (before.ranges || before.run != c.run),
		noted:  p.next(), seen: map[*level]time.Time{c.level: time.Now()}, entered: make(map[crossing]time.Time), left: make(map[crossing]time.Time)}
}

// begin notes the calls and what they will do.
func (p *HostilePlay) begin(ctx context.Context, fn int, at site, vs []string) (all []*hostileCall) {
	if len(vs) == 1 {
		if _, ok := batch.RecordFrom(ctx); ok {
			p.Scopes.CallIn(ctx, indexOf(vs[0]))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	bulk := p.next()
	for _, v := range vs {
		c := &hostileCall{fn: fn, record: indexOf(v), run: runOf(v), value: v, site: at, bulk: bulk, began: p.next()}
		key := fmt.Sprint(fn, " ", v)
		p.nth[key]++
		if f := p.Fates[c.record]; f.Fn == fn && (f.Nth == 0 || f.Nth == p.nth[key]) {
			c.outcome = f.Do
		}
		p.checkStart(ctx, c.record, c.run, at.level, fmt.Sprint("function ", fn, " is called for ", v))
		p.calls = append(p.calls, c)
		all = append(all, c)
	}
	return all
}

// recover is the function of a Catch or an OrElse.
func (p *HostilePlay) recover(ctx context.Context, stage HostileStage, at site, err error) error {
	f, ok := faultOf(err)
	record, _ := batch.RecordFrom(ctx)
	p.Scopes.CallIn(ctx, record.Index)
	if !ok {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	failure := p.failures[failureKey{f.Serial, record.Index}] // f.Value may be another one of the same chunk
	if !failure.ranges {
		p.checkStart(ctx, record.Index, failure.run, at.level, fmt.Sprint("recovering from ", f))
	}
	if f.Do != settles {
		return err
	}
	if failure.settled.IsZero() {
		failure.settled, failure.settledBy = time.Now(), stage.ID
	}
	p.next()
	return nil
}
