package batch_test

// How many functions of a route run at once, and how often its stages are called.

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// limitedScene is a Route with drawn stages, perhaps in lanes. The values of its records are numerals.
type limitedScene struct {
	Policy batch.Policy
	Groups []string
	Around int              // lanes around the Route; 0: it is in none
	Routes [][]limitedStage // by the number of the record modulo how many there are
	Seed   uint8            // of how long functions take
}

type limitedStage struct {
	Kind string // each, chunk, keep, lanes or routes
	N    int    // the size of a chunk, or how many lanes or routes
	In   []limitedStage
}

func limitedScenes(t *rapid.T) limitedScene {
	return limitedScene{
		Policy: rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch}).Draw(t, "policy"),
		Groups: rapid.SliceOfN(rapid.SampledFrom([]string{"g", "h", "k", "l"}), 1, 30).Draw(t, "groups"),
		Around: rapid.IntRange(0, 2).Draw(t, "lanes around"),
		Routes: lo.Times(rapid.IntRange(1, 3).Draw(t, "routes"), func(int) []limitedStage { return limitedStages(t, 2) }),
		Seed:   rapid.Byte().Draw(t, "times"),
	}
}

func limitedStages(t *rapid.T, depth int) []limitedStage {
	kinds := []string{"each", "each", "chunk", "keep"}
	if depth > 0 {
		kinds = append(kinds, "lanes", "lanes", "lanes", "routes")
	}
	return lo.Times(rapid.IntRange(1, 3).Draw(t, "stages"), func(int) limitedStage {
		s := limitedStage{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), N: rapid.IntRange(1, 4).Draw(t, "n")}
		if s.Kind == "lanes" || s.Kind == "routes" {
			s.In = limitedStages(t, depth-1)
		}
		return s
	})
}

func keepsSome(all []limitedStage) bool {
	return lo.SomeBy(all, func(s limitedStage) bool { return s.Kind == "keep" || keepsSome(s.In) })
}

// A limitedPlay counts by name how many functions run at once, and how often stages were called.
type limitedPlay struct {
	scene limitedScene

	mu      sync.Mutex
	running map[string]int
	most    map[string]int
	limit   map[string]int
	done    map[string][]string // by function, the values in the order in which it was called with them
}

func (p *limitedPlay) begin(name string, limit int, values ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[name]++
	p.most[name], p.limit[name] = max(p.most[name], p.running[name]), limit
	p.done[name] = append(p.done[name], values...)
}

// call is a function that may run so many times at once.
func (p *limitedPlay) call(name string, limit int, values []string) error {
	p.begin(name, limit, values...)
	h := fnv.New32a()
	_, _ = h.Write([]byte(name + strings.Join(values, " ")))
	time.Sleep(time.Duration((h.Sum32()>>8+uint32(p.scene.Seed))%4) * time.Millisecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[name]--
	return nil
}

// stage makes a stage of which so many lanes may be at work.
func (p *limitedPlay) stage(name string, stages []limitedStage, lanes int) batch.Stage[string, string] {
	return func(s texts) texts {
		p.begin("stage "+name, lanes)
		for i, stage := range stages {
			s = p.add(fmt.Sprint(name, ".", i), stage, lanes, s)
		}
		return s
	}
}

func (p *limitedPlay) add(name string, stage limitedStage, lanes int, s texts) texts {
	switch stage.Kind {
	case "each":
		return batch.TryEach(s, func(_ context.Context, v string) error { return p.call(name, lanes, []string{v}) })
	case "chunk":
		return batch.TryEachChunk(s, stage.N, func(_ context.Context, vs []string) error { return p.call(name, lanes, vs) })
	case "keep":
		return hoard(s)
	case "lanes":
		return batch.Parallel(s, stage.N, p.stage(name, stage.In, lanes*stage.N))
	}
	return p.route(name, slices.Repeat([][]limitedStage{stage.In}, stage.N), lanes)(s)
}

func (p *limitedPlay) route(name string, stages [][]limitedStage, lanes int) batch.Stage[string, string] {
	routes := make(map[int]batch.Stage[string, string])
	for i, in := range stages {
		routes[i] = p.stage(fmt.Sprint(name, "/", i), in, lanes)
	}
	return func(s texts) texts {
		return batch.Route(s, func(v string) int { return indexOf(v) / (1 + len(name)/4) % len(routes) }, routes)
	}
}

func (p *limitedPlay) respond() ([]string, error) {
	stage := p.route("", p.scene.Routes, max(p.scene.Around, 1))
	if p.scene.Around > 0 {
		stage = parallel(p.scene.Around, stage)
	}
	response, err := batch.Run(grouped(context.Background(), p.scene.Groups, batch.WithPolicy(p.scene.Policy)), func(s texts) texts {
		return batch.TryEach(stage(s), func(_ context.Context, v string) error { return p.call("all", 1, []string{v}) })
	})
	return listed(response), err
}

// inOrder reports whether a function was called for the records of each group in their order.
func (p *limitedPlay) inOrder(done []string) bool {
	return lo.EveryBy(lo.Values(lo.GroupBy(done, func(v string) string { return p.scene.Groups[indexOf(v)] })), func(group []string) bool {
		return slices.IsSortedFunc(group, func(a, b string) int { return indexOf(a) - indexOf(b) })
	})
}

// However stages are nested in routes, each function runs as often at once as the lanes around it allow, and no more. Unless a
// stage of the user's keeps results until its input ends, each stage is called once per lane. All records take effect, those of
// a group in order.
func TestLanesInRoutesKeepTheirLimits(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		scene := rapid.Custom(limitedScenes).Draw(t, "scene")
		rapid.SyncTest(t, func(t *rapid.T) {
			p := &limitedPlay{scene: scene, running: map[string]int{}, most: map[string]int{}, limit: map[string]int{}, done: map[string][]string{}}
			reported, err := p.respond()
			if err != nil || len(reported) > 0 || len(p.done["all"]) != len(scene.Groups) {
				t.Fatalf("reported: %v, %v; done: %v", reported, err, p.done["all"])
			}
			again := lo.SomeBy(scene.Routes, keepsSome)
			for name, most := range p.most {
				if most > p.limit[name] && !(again && strings.HasPrefix(name, "stage")) {
					t.Errorf("%s: %d of %d", name, most, p.limit[name])
				}
				if scene.Policy != batch.Continue && !p.inOrder(p.done[name]) {
					t.Errorf("%s: %v", name, p.done[name])
				}
			}
		})
	})
}

// Each route keeps its first two records until its input ends, and takes an hour for each record.
func TestOnlyOneInputOfARouteEndsAtATime(t *testing.T) {
	for _, lanes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var calls atomic.Int32
			start := time.Now()
			stage := func(s texts) texts { return batch.TryEach(hoard(s), taking(time.Hour)) }
			if lanes {
				stage = parallel(1, stage)
			}
			counted := func(s texts) texts { calls.Add(1); return stage(s) }
			response, err := batch.Run(grouped(context.Background(), []string{"g", "h", "h", "g"}, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
				return batch.Route(s, func(v string) int { return indexOf(v) % 2 }, map[int]batch.Stage[string, string]{0: counted, 1: counted})
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{})
			is.Equal(calls.Load(), int32(3))
			is.Equal(time.Since(start), 3*time.Hour)
		})
	}
}

// In the lanes of a record, a stage keeps it until its input ends, which takes a moment.
func TestLanesOfARecordInARouteEndByThemselves(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var calls atomic.Int32
			response, err := batch.Run(grouped(context.Background(), groupsInTurn(6, 1), batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
				return batch.Route(s, func(v string) int { return indexOf(v) % 2 }, map[int]batch.Stage[string, string]{
					0: func(s texts) texts {
						calls.Add(1)
						return func(yield func(batch.Result[string]) bool) {
							for r := range inLanes(s, 2, taking(time.Second)) {
								parallel(1, hoard)(endingLate(single(r)))(yield)
							}
						}
					},
					1: batch.Each(taking(time.Second)),
				})
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{})
			is.Equal(calls.Load(), int32(1))
		})
	}
}

// endingLate ends a moment after its last result.
func endingLate(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		s(yield)
		time.Sleep(time.Millisecond)
	}
}
