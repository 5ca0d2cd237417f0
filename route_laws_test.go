package batch_test

// The laws of Route. The pipelines, and the times that their functions take, are drawn.

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// A routesCase is a drawn pipeline with routes.
type routesCase struct {
	lanesCase
	routes map[int][]step
	keys   int // the keys are 0, 1, …; the last one may have no route
}

func drawRoutes(t *rapid.T, policy batch.Policy, inside, outside []string) routesCase {
	c := routesCase{lanesCase: drawLanes(t, policy, []string{"Map"}, outside), routes: map[int][]step{}}
	n := rapid.IntRange(1, 4).Draw(t, "routes")
	for k := range n {
		c.routes[k] = steps(t, fmt.Sprint("route", k, "-"), 3, len(c.groups), inside)
	}
	c.keys = n + rapid.IntRange(0, 1).Draw(t, "keys without a route")
	return c
}

func (c routesCase) key(v string) int {
	h := fnv.New32a()
	h.Write([]byte(v))
	return int(h.Sum32() % uint32(c.keys))
}

func (c routesCase) stages(l *callLog) map[int]batch.Stage[string, string] {
	all := make(map[int]batch.Stage[string, string])
	for k, steps := range c.routes {
		all[k] = func(s texts) texts { return l.apply(s, steps) }
	}
	return all
}

// oneByOne defines what Route means: each ready result passes through the stage of its key before the next one enters.
func (c routesCase) oneByOne(s texts, stages map[int]batch.Stage[string, string]) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range batch.Map(s, func(v string) string { return v }) {
			alone := texts(func(yield func(batch.Result[string]) bool) { yield(r) })
			if v, ok := r.Value(); ok {
				stage := stages[c.key(v)]
				if stage == nil {
					stage = func(s texts) texts {
						return batch.TryEach(s, func(context.Context, string) error {
							return fmt.Errorf("%w for %d", batch.ErrNoRoute, c.key(v))
						})
					}
				}
				alone = stage(alone)
			}
			for r := range alone {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func (c routesCase) play(t *rapid.T, routed bool) (p played) {
	rapid.SyncTest(t, func(*rapid.T) {
		l := &callLog{origin: time.Now()}
		s := l.apply(c.source(), c.before)
		if routed {
			s = batch.Route(s, c.key, c.stages(l))
		} else {
			s = c.oneByOne(s, c.stages(l))
		}
		response, _ := batch.Collect(batch.Tap(l.apply(s, c.after), func(r batch.Result[string]) {
			v, _ := r.Value()
			p.results = append(p.results, fmt.Sprintf("%d %s %v", r.Record().Index, v, r.Err()))
		}))
		p.response, p.calls = listed(response), l.calls
		slices.SortFunc(p.results, func(a, b string) int { return cmp.Or(indexOf(a)-indexOf(b), strings.Compare(a, b)) })
	})
	return p
}

func TestRouteGivesTheResultsOfTheChosenStage(t *testing.T) {
	anywhere := slices.Concat(mapping, settling, []string{"TryEachChunk", "Parallel"})
	thorough(t, func(t *rapid.T) {
		c := drawRoutes(t, batch.Continue, anywhere, anywhere)
		alone, routed := c.play(t, false), c.play(t, true)
		equal(t, "results", routed.results, alone.results)
		equal(t, "response", routed.response, alone.response)
		equal(t, "calls", routed.counts(), alone.counts())
	})
}

// No steps before or after the routes, as in TestParallelIsInvisibleUnderStopGroup.
func TestRouteGivesTheResultsOfTheChosenStageUnderStopGroup(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := drawRoutes(t, batch.StopGroup, slices.Concat(mapping, settling, []string{"repeating"}), mapping)
		c.before, c.after = nil, nil
		alone, routed := c.play(t, false), c.play(t, true)
		equal(t, "results", routed.results, alone.results)
		equal(t, "response", routed.response, alone.response)
		equal(t, "calls", routed.counts(), alone.counts())
	})
}

func TestRoutesGiveTheSameResponseUnderEachPolicy(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(strictPolicies).Draw(t, "policy")
		c := drawRoutes(t, policy, slices.Concat(mapping, settling, []string{"repeating"}), mapping)
		equal(t, "response", c.play(t, true).response, c.play(t, false).response)
	})
}

// In routes, chunks consist of other records than elsewhere, so only the response is the same.
func TestRoutesThatLookAheadGiveTheSameResponse(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(strictPolicies).Draw(t, "policy")
		kinds := slices.Concat(mapping, []string{"TryEachChunk", "Parallel"})
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == "own" }) // this kind settles failures
		c := drawRoutes(t, policy, kinds, kinds)
		equal(t, "response", c.play(t, true).response, c.play(t, false).response)
	})
}

// The records of a group take effect one after the other, even if they take different routes.
func TestRoutesKeepTheOrderOfEachGroup(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(strictPolicies).Draw(t, "policy")
		c := drawRoutes(t, policy, slices.Concat(mapping, settling, []string{"TryEachChunk", "Parallel"}), mapping)
		all := slices.DeleteFunc(c.play(t, true).calls, func(c call) bool { return !strings.HasPrefix(c.step, "route") })
		route := func(c call) string { name, _, _ := strings.Cut(c.step, "-"); return name }
		for i, b := range all {
			for _, a := range all[:i] { // a was noted before b, when it ended
				if a.group == "" || a.group != b.group || route(a) == route(b) {
					continue // lanes in a route may process several records at a time
				}
				if b.start < a.end || b.record < a.record {
					t.Fatalf("group %s: %+v, then %+v", a.group, a, b)
				}
			}
		}
	})
}

// A record that hangs delays its route and its group only. It delays neither the other routes nor a bulk write after them.
func TestARecordThatHangsDelaysOnlyItsRouteAndItsGroup(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup}).Draw(t, "policy")
		groups := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "a", "b", "c"}), 1, 20).Draw(t, "groups")
		routes := rapid.SliceOfN(rapid.IntRange(0, 3), len(groups), len(groups)).Draw(t, "routes")
		hanging := rapid.IntRange(0, len(groups)-1).Draw(t, "hangs")
		kinds := rapid.SliceOfN(rapid.SampledFrom([]string{"each", "chunk", "lanes"}), 4, 4).Draw(t, "kinds")
		bulk := rapid.SampledFrom([]int{0, 1, 3, 100}).Draw(t, "bulk")
		rapid.SyncTest(t, func(t *rapid.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			free := make(chan struct{})
			defer close(free)
			act := func(_ context.Context, v string) error {
				if indexOf(v) == hanging {
					<-free
				}
				return nil
			}
			stages := make(map[int]batch.Stage[string, string])
			for k, kind := range kinds {
				stages[k] = map[string]batch.Stage[string, string]{
					"each":  batch.Each(act),
					"lanes": func(s texts) texts { return inLanes(s, 3, act) },
					"chunk": func(s texts) texts {
						return batch.TryEachChunk(batch.TryEach(s, act), 3, func(context.Context, []string) error { return nil })
					},
				}[kind]
			}
			source := grouped(ctx, groups, batch.WithPolicy(policy), batch.WithReserve(2*time.Second), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				s = batch.Route(s, func(v string) int { return routes[indexOf(v)] }, stages)
				if bulk == 0 {
					return s
				}
				return batch.TryEachChunk(s, bulk, func(context.Context, []string) error { return nil })
			})
			if err != nil {
				t.Fatal(err)
			}
			reported := listed(response)
			if !slices.Contains(reported, fmt.Sprint("r", hanging)) {
				t.Fatalf("r%d hangs, but reported are %v", hanging, reported)
			}
			delayed := delayedBy(hanging, policy, groups, routes)
			for i := range groups {
				if id := fmt.Sprint("r", i); !delayed[i] && slices.Contains(reported, id) {
					t.Fatalf("%s is reported: %v", id, reported)
				}
			}
		})
	})
}

// delayedBy returns the records that may have to wait for one that hangs: those of its route, and the later ones in the
// groups of all these.
func delayedBy(hanging int, policy batch.Policy, groups []string, routes []int) map[int]bool {
	delayed := make(map[int]bool)
	held := make(map[string]bool)
	for i, g := range groups {
		if routes[i] == routes[hanging] || held[g] {
			delayed[i] = true
			held[g] = policy == batch.StopGroup && g != ""
		}
	}
	return delayed
}
