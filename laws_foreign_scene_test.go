package batch_test

// Drawn pipelines in which stages that the library does not have come before, in and after lanes.

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// A foreignStage is one stage of a drawn pipeline.
type foreignStage struct {
	kind string
	n    int            // lanes, routes, or how many results it takes at a time
	at   int            // the number of its function; 0: it has none
	in   []foreignStage // the stages in its lanes or routes
}

// A foreignDeed is what the function of one stage does for a record.
type foreignDeed struct {
	do string
	at int
}

var errSettled = errors.New("to be settled")

type foreignScene struct {
	policy    batch.Policy
	groups    []string
	attempts  []int
	most      int // receives, for WithMaxReceives
	stages    []foreignStage
	functions int
	deeds     []foreignDeed // one per record
	takes     []time.Duration
	cancelled time.Duration // when the caller cancels; 0: never
	parts     int           // how many parts each record is split into
	timed     bool
	free      chan struct{} // closed to let functions that hang return
}

// foreignKinds are the kinds of stages that may be drawn together. A stage that keeps copies is not drawn together with
// lanes: these cannot see a copy that a stage keeps after it has sent the result itself.
var foreignKinds = [][]string{
	{"lanes", "lanes", "routes", "each", "each", "chunk", "flat", "catch", "reverse", "buffer", "pull", "prefetch", "count"},
	{"lanes", "routes", "routes", "each", "each", "chunk", "flat", "catch", "reverse", "buffer", "pull", "prefetch"},
	{"lanes", "lanes", "routes", "each", "each", "chunk", "flat", "catch", "copy", "pull", "count"},
	{"each", "each", "chunk", "flat", "catch", "copy", "buffer", "pull", "prefetch", "count"},
}

// drawForeign draws a scene. In a rough one functions hang or end their goroutines, and the caller may cancel.
func drawForeign(t *rapid.T, rough bool) *foreignScene {
	s := &foreignScene{parts: 1, free: make(chan struct{})}
	s.policy = rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopGroup, batch.StopBatch}).Draw(t, "policy")
	s.groups = rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "a", "b"}), 1, 12).Draw(t, "groups")
	kinds := rapid.SampledFrom(foreignKinds).Draw(t, "kinds")
	if rough && slices.Contains(kinds, "lanes") {
		kinds = slices.Concat(kinds, []string{"first", "crash"})
	}
	s.stages = s.draw(t, 0, kinds)
	does := []string{"", "", "", "fail", "settle", "panic"}
	if rough {
		does = append(does, "exit", "hang", "")
		s.cancelled = time.Duration(rapid.SampledFrom([]int{0, 0, 1, 5, 17, 40}).Draw(t, "cancelled")) * time.Millisecond
	}
	for range s.groups {
		s.attempts = append(s.attempts, rapid.IntRange(1, 3).Draw(t, "attempt"))
		s.deeds = append(s.deeds, foreignDeed{rapid.SampledFrom(does).Draw(t, "do"), rapid.IntRange(0, s.functions).Draw(t, "at")})
	}
	s.most = rapid.SampledFrom([]int{3, 100}).Draw(t, "most")
	s.takes = lo.Map(rapid.SliceOfN(rapid.IntRange(0, 20), 1, 5).Draw(t, "takes"), func(ms, _ int) time.Duration {
		return time.Duration(ms) * time.Millisecond
	})
	s.timed = rough || rapid.Bool().Draw(t, "timed")
	return s
}

func (s *foreignScene) draw(t *rapid.T, depth int, kinds []string) (all []foreignStage) {
	for range rapid.IntRange(0, 3).Draw(t, "stages") {
		stage := foreignStage{kind: rapid.SampledFrom(kinds).Draw(t, "kind"), n: rapid.IntRange(1, 4).Draw(t, "n")}
		switch {
		case (stage.kind == "lanes" || stage.kind == "routes") && depth == 2, stage.kind == "flat" && s.parts >= 4, stage.kind == "count" && depth > 0:
			continue // too deep, too many parts, or a lane's stream, which can be ranged over only once
		case (stage.kind == "first" || stage.kind == "crash") && depth == 0:
			continue // outside of lanes this would end the whole pipeline
		case stage.kind == "lanes", stage.kind == "routes":
			stage.in = s.draw(t, depth+1, kinds)
		case stage.kind == "flat":
			s.parts *= 2
		case stage.kind == "each" || stage.kind == "chunk":
			s.functions++
			stage.at = s.functions
		}
		all = append(all, stage)
	}
	return all
}

// act is what the function of a stage does.
func (s *foreignScene) act(at int, value string) error {
	i := indexOf(value)
	time.Sleep(s.takes[(i*7+at)%len(s.takes)])
	if s.deeds[i].at != at {
		return nil
	}
	switch s.deeds[i].do {
	case "fail":
		return errBoom
	case "settle":
		return errSettled
	case "panic":
		panic(errBoom)
	case "exit":
		runtime.Goexit()
	case "hang":
		<-s.free
	}
	return nil
}

func (s *foreignScene) build(stages []foreignStage) func(texts) texts {
	return func(in texts) texts {
		for _, stage := range stages {
			in = s.stage(stage, in)
		}
		return in
	}
}

func (s *foreignScene) stage(stage foreignStage, in texts) texts {
	switch stage.kind {
	case "lanes":
		return batch.Parallel(in, stage.n, s.build(stage.in))
	case "routes":
		routes := make(map[int]batch.Stage[string, string])
		for k := range stage.n {
			routes[k] = s.build(stage.in)
		}
		return batch.Route(in, func(v string) int { return indexOf(v) % stage.n }, routes)
	case "each":
		return batch.TryEach(in, func(_ context.Context, v string) error { return s.act(stage.at, v) })
	case "chunk":
		return batch.TryEachChunk(in, []int{1, 2, 3, 50}[stage.n-1], func(_ context.Context, vs []string) error {
			items := batch.ItemErrors{}
			for i, v := range vs {
				items[i] = recovered(func() error { return s.act(stage.at, v) })
			}
			return items
		})
	case "flat":
		return batch.FlatMap(in, func(v string) []string { return []string{v + ".0", v + ".1"} })
	case "catch":
		return batch.Catch(in, func(_ context.Context, err error) error {
			if errors.Is(err, errSettled) {
				return nil
			}
			return err
		})
	case "copy":
		return repeating(in)
	}
	return foreign(stage, in)
}

func recovered(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errBoom
		}
	}()
	return f()
}

// foreign is a stage that the library does not have.
func foreign(stage foreignStage, in texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		switch stage.kind {
		case "buffer":
			buffering(3*stage.n, inOrder)(in)(yield)
		case "reverse":
			buffering(3*stage.n, slices.Reverse)(in)(yield)
		case "pull":
			pulled(in)(yield)
		case "prefetch":
			prefetch(in, stage.n, yield)
		case "count":
			for range in {
			}
			in(yield)
		case "first", "crash":
			upTo(in, stage, yield)
		}
	}
}

// upTo sends a few results, and then returns or panics.
func upTo(in texts, stage foreignStage, yield func(batch.Result[string]) bool) {
	n := 0
	for r := range in {
		if n++; n > stage.n && stage.kind == "crash" {
			panic(errBoom)
		}
		if !yield(r) || n == stage.n && stage.kind == "first" {
			return
		}
	}
}
