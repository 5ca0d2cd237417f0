package draw

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// ordered reports whether a failure of the earlier record holds the later one back.
func (p *HostilePlay) ordered(earlier, later int) bool {
	return earlier < later && (p.Policy == batch.StopBatch || p.Policy == batch.StopGroup && p.sameGroup(earlier, later))
}

func (p *HostilePlay) sameGroup(a, b int) bool {
	return p.Groups[a] != "" && p.Groups[a] == p.Groups[b]
}

// checkStart checks that a function may be called now: there has been no response, the context has not ended, and no
// earlier record has failed.
func (p *HostilePlay) checkStart(ctx context.Context, record, run int, at *level, what string) {
	now := time.Now()
	if p.answered > 0 {
		p.complain("%s after the response", what)
	}
	end, ok := ctx.Deadline()
	if ok && now.After(end) || p.CancelAt > 0 && now.After(p.Start.Add(p.CancelAt)) {
		p.complain("%s after the contexts have ended", what)
	}
	for _, f := range p.failures {
		if f.run == run && p.ordered(f.record, record) && f.holdsBack(at, now) {
			p.complain("%s, though %s has failed in function %d", what, f.value, f.fn)
		}
	}
}

// holdsBack reports whether the failure was known at a level before now, and has not been settled. A failure in a lane
// is known outside once a Result with it has left the lane. One that has entered lanes is undecided in them until then.
func (f *hostileFailure) holdsBack(at *level, now time.Time) bool {
	if !f.settled.IsZero() {
		return false
	}
	before := func(t time.Time, ok bool) bool { return ok && t.Before(now) }
	if t, ok := f.seen[at]; !at.hands && before(t, ok) {
		return true
	}
	for ; at.outer != nil; at = at.outer {
		t, ok := f.seen[at.outer]
		if at.outer.hands || !before(t, ok) {
			continue
		}
		x := crossing{at.outer, at.lanes}
		_, entered := f.entered[x]
		t, left := f.left[x]
		if !entered || before(t, left) {
			return true
		}
	}
	return false
}

// Wrong returns everything that is wrong with the response and with what was noted.
func (p *HostilePlay) Wrong(response batch.Response, err error) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	reported := make([]bool, len(p.Groups))
	for _, f := range response.BatchItemFailures {
		reported[indexOf(f.ItemIdentifier[1:])] = true
	}
	p.checkError(err, reported)
	p.checkLost(reported)
	p.checkOrder()
	return append(p.wrong, p.Scopes.Wrong()...)
}

func (p *HostilePlay) checkError(err error, reported []bool) {
	if err != nil && (!p.crashed || slices.Contains(reported, false)) {
		p.complain("the error is %v, reported %v", err, reported)
	}
}

// checkLost checks that each record that is not reported is finished in every range of which something has arrived, and
// that all others that must be redelivered are reported.
func (p *HostilePlay) checkLost(reported []bool) {
	runs := make(map[int]bool)
	arrived := make(map[[2]int]bool)
	for _, a := range p.arrivals {
		if a.noted > p.answered {
			continue
		}
		runs[a.run] = true
		arrived[[2]int{a.record, a.run}] = true
		if a.fails && !reported[a.record] {
			p.complain("%d has arrived failed and is acknowledged", a.record)
		}
	}
	for _, c := range p.calls {
		// If a stage fetches ahead, the function of a copy may have been called just before the feeder went on.
		if c.began < p.answered && (c.ended == 0 || c.ended > p.answered || c.outcome == exits) && !HasKind(p.Stages, "ahead") && !reported[c.record] {
			p.complain("%d is acknowledged, though function %d has not returned for %s", c.record, c.fn, c.value)
		}
	}
	for _, f := range p.failures {
		if f.noted < p.answered && f.settled.IsZero() && !reported[f.record] {
			p.complain("%d is acknowledged, though function %d has failed for %s", f.record, f.fn, f.value)
		}
	}
	for i := range p.Groups {
		for j := range i {
			if p.ordered(j, i) && reported[j] && !reported[i] {
				p.complain("%d is acknowledged, though %d is reported", i, j)
			}
		}
		if reported[i] {
			continue
		}
		if len(runs) == 0 {
			p.complain("%d is acknowledged, though nothing has arrived", i)
		}
		for run := range runs {
			if !arrived[[2]int{i, run}] {
				p.complain("%d is acknowledged, but has not arrived in range %d", i, run)
			}
			for _, missing := range p.missing(p.Stages, lives{strconv.Itoa(i) + "@" + strconv.Itoa(run): {}}) {
				p.complain("%d is acknowledged without %s", i, missing)
			}
		}
	}
}

// lives are the values of one record, with what has become of each.
type lives map[string]life

type life struct {
	excused   bool // a copy was filtered out or settled
	pending   int  // all copies have failed, and the OrElse of this number has settled a failure; 0: there is a ready one
	noRequest bool // it needs no further function
}

// missing returns the functions that were not successful for any copy of a value, although they had to be.
func (p *HostilePlay) missing(stages []HostileStage, of lives) (all []string) {
	for _, stage := range stages {
		switch {
		case stage.hasInside():
			all = append(all, p.missing(stage.In, of)...)
		case stage.Kind == "flat":
			for v, l := range maps.Clone(of) {
				if l.pending > 0 {
					continue
				}
				delete(of, v)
				for _, part := range parts(v, 0, stage.N) {
					of[part] = l
				}
			}
		case stage.Kind == "orElse":
			for v, l := range of {
				if l.pending == stage.ID {
					l.pending = 0
					of[v] = l
				}
			}
		case stage.Fn > 0 && stage.Kind != "part":
			for v, l := range of {
				if l.noRequest || l.pending > 0 {
					continue
				}
				l, ok := p.after(stage.Fn, v, l)
				of[v] = l
				if !ok {
					all = append(all, fmt.Sprint("function ", stage.Fn, " for ", v))
				}
			}
		}
	}
	return all
}

// after returns what becomes of a value in a function, and whether that is known.
func (p *HostilePlay) after(fn int, v string, l life) (life, bool) {
	success := false
	for _, c := range p.calls {
		if c.fn != fn || c.value != v || c.ended == 0 || c.ended > p.answered {
			continue
		}
		switch c.outcome {
		case "", hangs:
			success = true
		case rejects:
			success, l.excused = true, l.excused || p.kindOf(fn) == "filter"
		}
	}
	pending := 0
	for _, f := range p.failures {
		if f.fn == fn && f.value == v && !f.settled.IsZero() {
			pending = f.settledBy
			l.excused = l.excused || p.kindOfStage(f.settledBy) == "catch"
		}
	}
	switch {
	case success && !(l.excused && p.kindOf(fn) == "filter"):
	case success: // rejected, perhaps
		l.noRequest = true
	case pending > 0 && p.kindOfStage(pending) == "orElse":
		l.pending = pending
	case l.excused:
		l.noRequest = true
	default:
		return l, false
	}
	return l, true
}

func (p *HostilePlay) kindOf(fn int) string {
	return find(p.Stages, func(s HostileStage) bool { return s.Fn == fn }).Kind
}

func (p *HostilePlay) kindOfStage(id int) string {
	return find(p.Stages, func(s HostileStage) bool { return s.ID == id }).Kind
}

func find(all []HostileStage, is func(HostileStage) bool) (found HostileStage) {
	for _, s := range all {
		if is(s) {
			return s
		}
		if in := find(s.In, is); in.Kind != "" {
			return in
		}
	}
	return found
}

// checkOrder checks that the functions take up the records of a group in the order in which these have passed the last
// place where it may have changed.
func (p *HostilePlay) checkOrder() {
	if p.Policy == batch.Continue {
		return
	}
	type key struct {
		anchor
		record, run int
	}
	first, last := make(map[key]int), make(map[key]int)
	for at, passes := range p.passes {
		for _, pass := range passes {
			k := key{at, pass.record, pass.run}
			if first[k] == 0 {
				first[k] = pass.noted
			}
			last[k] = pass.noted
		}
	}
	together := lo.GroupBy(p.calls, func(c *hostileCall) key { return key{c.anchor, c.fn, c.run} })
	for _, calls := range together {
		for _, a := range calls {
			for _, b := range calls {
				if !p.sameGroup(a.record, b.record) && (p.Policy != batch.StopBatch || a.level != a.anchor.level) {
					continue
				}
				before, after := last[key{a.anchor, a.record, a.run}], first[key{b.anchor, b.record, b.run}]
				if !a.loose && a.record != b.record && before > 0 && after > before && !p.over(a, b) {
					p.complain("function %d is called for %s before it has returned for %s", a.fn, b.value, a.value)
				}
			}
		}
	}
}

// over reports whether the call had returned when the other one began. In a chunk the order of the values counts.
func (p *HostilePlay) over(c, other *hostileCall) bool {
	if c.bulk == other.bulk {
		return c.began < other.began
	}
	return c.ended > 0 && c.ended < other.began || c.outcome == hangs && c.level.outer != nil && p.stopsEarly()
}

// stopsEarly reports whether a stage may stop while functions are running. If it is in a lane, a function that does not
// return is given up, and the next record of the group has its turn.
func (p *HostilePlay) stopsEarly() bool { return HasKind(p.Stages, "pull", "part", "panic", "exit") }
