package draw

import (
	"context"
	"iter"
	"runtime"
	"slices"

	"github.com/lambdabatch/batch"
)

type (
	text  = batch.Result[string]
	texts = batch.Stream[string]
)

// errHostile is what a hostile stage panics with.
type errHostile struct{}

func (errHostile) Error() string { return "a hostile stage panics" }

// A sender passes Results on until the consumer wants no more.
type sender struct {
	yield   func(text) bool
	stopped bool
}

func (s *sender) send(r text) bool {
	if !s.stopped {
		s.stopped = !s.yield(r)
	}
	return !s.stopped
}

func (s *sender) sendAll(all []text) {
	for _, r := range all {
		if !s.send(r) {
			return
		}
	}
}

func (s HostileStage) picks(r text) bool { return s.Picks[r.Record().Index%len(s.Picks)] }

// hostile is a stage as a user should not write it.
func (p *HostilePlay) hostile(stage HostileStage, at site, in texts) texts {
	return func(yield func(text) bool) {
		out := &sender{yield: yield}
		switch stage.Kind {
		case "late", "far":
			later(stage, in, out)
		case "end":
			var kept []text
			for r := range in {
				if stage.picks(r) {
					kept = append(kept, r)
				} else if !out.send(r) {
					return
				}
			}
			out.sendAll(kept)
		case "second":
			fromFirstRange(stage, in, out)
		case "elsewhere":
			elsewhere(stage, in, out)
		case "hand":
			p.hand(stage, at, in, out)
		case "swap":
			swap(stage, in, out)
		case "reverse", "shuffle":
			all := slices.Collect(in)
			if stage.Kind == "reverse" {
				slices.Reverse(all)
			} else {
				all = stage.shuffled(all)
			}
			out.sendAll(all)
		case "copy", "drop", "resend", "panic", "exit":
			p.oneByOne(stage, at, in, out)
		case "twice", "nested", "count":
			again(stage, in, out)
		case "part":
			thrown := 0
			for range p.thrownAway(stage, at, in) {
				if thrown++; thrown > stage.N {
					break
				}
			}
			in(yield)
		case "pull":
			pull(stage, in, out)
		case "ahead":
			fetchAhead(stage, in, out)
		default:
			panic("draw: no kind " + stage.Kind)
		}
	}
}

// later keeps picked Results, or copies of them, and sends each after N others.
func later(stage HostileStage, in texts, out *sender) {
	type keptResult struct {
		text
		due int
	}
	var kept []keptResult
	n := 0
	for r := range in {
		n++
		if stage.picks(r) {
			kept = append(kept, keptResult{r, n + stage.N})
		}
		if (!stage.picks(r) || stage.Kind == "far") && !out.send(r) {
			return
		}
		for len(kept) > 0 && kept[0].due <= n {
			if !out.send(kept[0].text) {
				return
			}
			kept = kept[1:]
		}
	}
	for _, k := range kept {
		out.send(k.text)
	}
}

// fromFirstRange ranges twice and sends, in the second range, picked Results of the first one too.
func fromFirstRange(stage HostileStage, in texts, out *sender) {
	kept := make(map[int]text)
	for r := range in {
		if stage.picks(r) {
			kept[r.Record().Index] = r
		}
	}
	for r := range in {
		k, ok := kept[r.Record().Index]
		if ok && !out.send(k) {
			return
		}
		if (!ok || stage.N%2 == 0) && !out.send(r) {
			return
		}
	}
}

// elsewhere keeps picked Results. When the next one has arrived, another goroutine sends them.
func elsewhere(stage HostileStage, in texts, out *sender) {
	var kept []text
	flush := func() {
		if len(kept) > 0 {
			onGoroutine(func() { out.sendAll(kept) })
			kept = nil
		}
	}
	for r := range in {
		flush()
		if stage.picks(r) {
			kept = append(kept, r)
		} else {
			out.send(r)
		}
		if out.stopped {
			return
		}
	}
	flush()
}

// hand keeps picked Results where the other lanes of the range can take them, and sends what it finds there. If N is 0, it ends
// with the first picked one.
func (p *HostilePlay) hand(stage HostileStage, at site, in texts, out *sender) {
	handed := at.level.handed
	if handed == nil { // outside of lanes
		handed = make(map[int][]text)
	}
	take := func() []text {
		p.mu.Lock()
		defer p.mu.Unlock()
		all := handed[stage.ID]
		delete(handed, stage.ID)
		return all
	}
	for r := range in {
		if !stage.picks(r) {
			out.send(r)
			out.sendAll(take())
		} else {
			p.mu.Lock()
			handed[stage.ID] = append(handed[stage.ID], r)
			p.mu.Unlock()
		}
		if out.stopped || stage.picks(r) && stage.N == 0 {
			return
		}
	}
	out.sendAll(take())
}

// onGoroutine calls f on another goroutine and waits for it. It ends as f ends.
func onGoroutine(f func()) {
	over, returned := make(chan struct{}), false
	var crash any
	go func() {
		defer close(over)
		defer func() { crash = recover() }()
		f()
		returned = true
	}()
	<-over
	switch {
	case crash != nil:
		panic(crash)
	case !returned:
		runtime.Goexit()
	}
}

// swap sends the Result after a picked one before it.
func swap(stage HostileStage, in texts, out *sender) {
	var kept []text
	for r := range in {
		if len(kept) == 0 && stage.picks(r) {
			kept = append(kept, r)
			continue
		}
		out.send(r)
		out.sendAll(kept)
		kept = nil
		if out.stopped {
			return
		}
	}
	out.sendAll(kept)
}

func (s HostileStage) shuffled(all []text) []text {
	places := make([]int, len(all))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return s.Order[a%len(s.Order)] - s.Order[b%len(s.Order)] })
	shuffled := make([]text, 0, len(all))
	for _, i := range places {
		shuffled = append(shuffled, all[i])
	}
	return shuffled
}

func (p *HostilePlay) oneByOne(stage HostileStage, at site, in texts, out *sender) {
	var last []text
	n := 0
	for r := range in {
		switch n++; {
		case stage.Kind == "panic" && n > stage.N:
			p.noteCrash(at)
			panic(errHostile{})
		case stage.Kind == "exit" && n > stage.N:
			runtime.Goexit()
		case stage.Kind == "drop" && stage.picks(r):
			continue
		case stage.Kind == "resend" && stage.picks(r):
			out.sendAll(last)
		default:
			out.send(r)
			last = []text{r}
		}
		if stage.Kind == "copy" && stage.picks(r) {
			out.send(r)
		}
		if out.stopped {
			return
		}
	}
}

// again ranges over its input more than once.
func again(stage HostileStage, in texts, out *sender) {
	if stage.Kind == "count" {
		for range in {
		}
	}
	n := 0
	for r := range in {
		if !out.send(r) {
			return
		}
		if n++; stage.Kind == "nested" && n == stage.N+1 {
			in(out.send)
		}
		if out.stopped {
			return
		}
	}
	if stage.Kind == "twice" {
		in(out.send)
	}
}

// thrownAway is a pipeline with an effect of its own.
func (p *HostilePlay) thrownAway(stage HostileStage, at site, in texts) texts {
	if stage.N%2 == 0 {
		return p.each(stage, at, in)
	}
	return p.lanes(HostileStage{Kind: "lanes", ID: -stage.ID, N: 2, In: []HostileStage{{Kind: "each", Fn: stage.Fn}}}, at, in)
}

// pull sends N Results at most, all if N is 0.
func pull(stage HostileStage, in texts, out *sender) {
	next, stop := iter.Pull(in)
	defer stop()
	n := 0
	for r, ok := next(); ok && out.send(r); r, ok = next() {
		if n++; n == stage.N {
			return
		}
	}
}

func fetchAhead(stage HostileStage, in texts, out *sender) {
	ctx, cancel := context.WithCancel(context.Background())
	ahead, over := make(chan text, stage.N), make(chan struct{})
	var crash any
	go func() {
		defer close(over)
		defer close(ahead)
		defer func() { crash = recover() }()
		for r := range in {
			select {
			case ahead <- r:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() { <-over }()
	defer cancel()
	for r := range ahead {
		if !out.send(r) {
			return
		}
	}
	if crash != nil {
		panic(crash)
	}
}
