package draw

import (
	"context"
	"iter"
	"slices"

	"github.com/lambdabatch/batch"
)

// foreign is a stage that is not made of the library's stages.
func (p *Play) foreign(kind string, k int, s batch.Stream[string]) batch.Stream[string] {
	picked := func(r batch.Result[string]) string { return p.Stages[k].fate(indexOfResult(r), Describe(r)) }
	type result = batch.Result[string]
	// each makes a stage of a function that handles one Result.
	each := func(f func(r result, yield func(result) bool) bool) batch.Stream[string] {
		return func(yield func(result) bool) {
			for r := range s {
				if !f(r, yield) {
					return
				}
			}
		}
	}
	other := batch.From(context.Background(), []string{"0o", "1o"}, func(v string) batch.Record {
		return batch.Record{ID: otherID + v[:1]}
	})
	switch kind {
	case "drop":
		return each(func(r result, yield func(result) bool) bool { return picked(r) != "" || yield(r) })
	case "repeat":
		return each(func(r result, yield func(result) bool) bool {
			return yield(r) && (picked(r) == "" || yield(r))
		})
	case "fail":
		return each(func(r result, yield func(result) bool) bool {
			switch picked(r) {
			case picks:
				r = r.Fail(Fault{Stage: k, Of: "misused"})
			case toNil:
				r = r.Fail(nil)
			}
			return yield(r)
		})
	case "ack":
		return each(func(r result, yield func(result) bool) bool {
			if picked(r) != "" {
				r = r.Ack()
			}
			return yield(r)
		})
	case "relabel":
		return each(func(r result, yield func(result) bool) bool {
			if r.Err() != nil {
				r = r.Fail(Fault{Stage: k, Of: "relabelled"})
			}
			return yield(r)
		})
	case "zero":
		return each(func(r result, yield func(result) bool) bool {
			return yield(r) && (picked(r) == "" || yield(result{}))
		})
	case "retry":
		return each(func(r result, yield func(result) bool) bool {
			out := batch.Then(r, func(ctx context.Context, v string) (string, error) {
				_, err := p.do(k, indexOf(v), v)
				return v, err
			})
			if out.Err() != nil && r.Err() == nil {
				out = batch.Then(r, func(ctx context.Context, v string) (string, error) {
					p.call(k, v)
					return v, nil
				})
			}
			return yield(out)
		})
	case "hold", "reverse":
		return func(yield func(result) bool) {
			held := slices.Collect(s)
			if kind == "reverse" {
				slices.Reverse(held)
			}
			slices.Values(held)(yield)
		}
	case "stop":
		return func(yield func(result) bool) {
			n := 0
			for r := range s {
				n++
				if !yield(r) || n == p.Stages[k].N {
					return
				}
			}
		}
	case "twice":
		return func(yield func(result) bool) {
			for range 2 {
				for r := range s {
					if !yield(r) {
						return
					}
				}
			}
		}
	case "peek":
		return func(yield func(result) bool) {
			for range s {
				break
			}
			s(yield)
		}
	case "count":
		return func(yield func(result) bool) {
			for range s {
			}
			s(yield)
		}
	case "pull":
		return func(yield func(result) bool) {
			next, stop := iter.Pull(s)
			defer stop()
			for r, ok := next(); ok && yield(r); r, ok = next() {
			}
		}
	case "none":
		return func(func(result) bool) {}
	case "instead":
		return other
	case "other":
		return func(yield func(result) bool) {
			for _, s := range []batch.Stream[string]{s, other} {
				for r := range s {
					if !yield(r) {
						return
					}
				}
			}
		}
	}
	panic("draw: no kind " + kind)
}
