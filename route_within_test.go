package batch_test

// Chunks in lanes and routes within a route, for a record of which another route waits.

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// byRoute sends records, whose identifiers begin with the names of their routes, through these.
func byRoute(routes map[byte]batch.Stage[string, string]) func(texts) texts {
	return func(s texts) texts { return batch.Route(s, func(v string) byte { return v[0] }, routes) }
}

// busyElsewhere is a source of records of one group, after one of another group that goes to route C.
func busyElsewhere(ctx context.Context, ids ...string) texts {
	return batch.From(ctx, append([]string{"C"}, ids...), func(v string) batch.Record {
		return batch.Record{ID: v, Group: strings.TrimRight("g"+v, "AB0123456789")}
	}, batch.WithPolicy(batch.StopGroup))
}

// In a group, route A, then B, then A has a record. A function of route C takes an hour.
func TestAChunkWithinARouteIsWrittenEarlyIfAnotherRouteWaitsForIt(t *testing.T) {
	chunk := func(s texts) texts {
		return batch.TryEachChunk(s, 10, func(context.Context, []string) error { return nil })
	}
	lanes := parallel(2, batch.Each(succeed))
	for name, stage := range map[string]batch.Stage[string, string]{
		"chunk":                          chunk,
		"chunk in lanes":                 parallel(2, chunk),
		"chunk in lanes in lanes":        parallel(2, parallel(2, chunk)),
		"chunk after lanes":              func(s texts) texts { return chunk(lanes(s)) },
		"chunk before lanes":             func(s texts) texts { return lanes(chunk(s)) },
		"chunk after lanes, in lanes":    parallel(2, func(s texts) texts { return chunk(lanes(s)) }),
		"chunk in a route":               onOneRoute(chunk),
		"chunk after a route":            func(s texts) texts { return chunk(onOneRoute(lanes)(s)) },
		"chunks after lanes, repeatedly": func(s texts) texts { return chunk(lanes(chunk(lanes(s)))) },
		"chunks in lanes, repeatedly":    func(s texts) texts { return parallel(2, chunk)(parallel(2, chunk)(s)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				start := time.Now()
				var began time.Duration
				routes := map[byte]batch.Stage[string, string]{
					'A': stage,
					'B': batch.Each(func(context.Context, string) error { began = time.Since(start); return nil }),
					'C': batch.Each(taking(time.Hour)),
				}
				response, err := batch.Run(busyElsewhere(t.Context(), "A0", "B1", "A3"), byRoute(routes))
				is.NoErr(err)
				is.Equal(listed(response), []string{})
				is.Equal(began, time.Duration(0))
			})
		})
	}
}

// When route A goes on after record B1, its chunks are full again, except for the last one.
func TestChunksWithinARouteAreFullAgainWhenNoRouteWaitsForThem(t *testing.T) {
	lanes := parallel(2, batch.Each(taking(time.Second)))
	for name, stage := range map[string]func(func(texts) texts) batch.Stage[string, string]{
		"after lanes": func(chunk func(texts) texts) batch.Stage[string, string] {
			return func(s texts) texts { return chunk(lanes(s)) }
		},
		"in lanes": func(chunk func(texts) texts) batch.Stage[string, string] {
			return parallel(1, func(s texts) texts { return chunk(batch.TryEach(s, taking(time.Second))) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var written effects
				chunk := func(s texts) texts {
					return batch.TryEachChunk(s, 2, func(_ context.Context, vs []string) error {
						written.note(strings.Join(vs, " "))
						return nil
					})
				}
				source := busyElsewhere(t.Context(), "A0", "B1", "A2", "A3", "A4", "A5", "A6")
				response, err := batch.Run(source, byRoute(map[byte]batch.Stage[string, string]{
					'A': stage(chunk), 'B': batch.Each(taking(time.Minute)), 'C': batch.Each(taking(time.Hour)),
				}))
				is.NoErr(err)
				is.Equal(listed(response), []string{})
				is.Equal(written.noted(), []string{"A0", "A2 A3", "A4 A5", "A6"})
			})
		})
	}
}
