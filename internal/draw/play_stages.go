package draw

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

func (p *Play) stage(k int, s batch.Stream[string]) batch.Stream[string] {
	suffix := "." + strconv.Itoa(k)
	try := func(ctx context.Context, v string) (string, error) {
		p.checkContext(ctx, v)
		_, err := p.do(k, indexOf(v), v)
		return v + suffix, err
	}
	each := func(ctx context.Context, v string) error {
		p.checkContext(ctx, v)
		_, err := p.do(k, indexOf(v), v)
		return err
	}
	keep := func(v string) bool {
		fate, _ := p.do(k, indexOf(v), v)
		return fate != rejects
	}
	split := func(v string) []string {
		p.do(k, indexOf(v), v)
		return parts(v, k, p.Stages[k].N)
	}
	switch kind := p.Stages[k].Kind; kind {
	case "map":
		return batch.Map(s, func(v string) string {
			p.do(k, indexOf(v), v)
			return v + suffix
		})
	case "tryMap":
		return batch.TryMap(s, try)
	case "filter":
		return batch.Filter(s, keep)
	case "tryFilter":
		return batch.TryFilter(s, func(ctx context.Context, v string) (bool, error) {
			p.checkContext(ctx, v)
			fate, err := p.do(k, indexOf(v), v)
			return fate != rejects, err
		})
	case "flatMap":
		return batch.FlatMap(s, split)
	case "tryFlatMap":
		return batch.TryFlatMap(s, func(ctx context.Context, v string) ([]string, error) {
			p.checkContext(ctx, v)
			_, err := p.do(k, indexOf(v), v)
			return parts(v, k, p.Stages[k].N), err
		})
	case "tryEach":
		return batch.TryEach(s, each)
	case "each":
		return batch.Each(each)(s)
	case "tap":
		return batch.Tap(s, func(r batch.Result[string]) { p.do(k, indexOfResult(r), Describe(r)) })
	case "catch":
		return batch.Catch(s, func(ctx context.Context, err error) error {
			_, err = p.recovered(ctx, k, err)
			return err
		})
	case "orElse":
		return batch.OrElse(s, func(ctx context.Context, err error) (string, error) { return p.recovered(ctx, k, err) })
	case "decode":
		return batch.Decode[string](s, func(data []byte, value any) error {
			v := string(data)
			_, err := p.do(k, indexOf(v), v)
			*value.(*string) = v + suffix
			return err
		})
	case "chunk":
		return batch.TryEachChunk(s, p.Stages[k].N, func(ctx context.Context, vs []string) error { return p.chunk(ctx, k, vs) })
	case "then":
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if !yield(batch.Then(r, try)) {
					return
				}
			}
		}
	default:
		return p.foreign(kind, k, s)
	}
}

// recovered is the function of Catch and OrElse.
func (p *Play) recovered(ctx context.Context, k int, err error) (string, error) {
	r, ok := batch.RecordFrom(ctx)
	if !ok {
		p.complain("a recovering function without a record")
	}
	if p.scopes != nil && !p.strays() {
		p.scopes.CallIn(ctx, r.Index)
	}
	text := describe(err)
	fate, other := p.do(k, r.Index, text)
	switch fate {
	case settles:
		return strconv.Itoa(r.Index) + "=" + text, nil
	case differs:
		return "", other
	}
	return "", err
}

// chunk is the function of TryEachChunk.
func (p *Play) chunk(ctx context.Context, k int, vs []string) error {
	if _, ok := batch.RecordFrom(ctx); ok {
		p.complain("a chunk with a record")
	}
	for _, v := range vs {
		p.noteCall(indexOf(v))
	}
	p.call(k, strings.Join(vs, " "))
	items := batch.ItemErrors{}
	for i, v := range vs {
		switch p.Stages[k].fate(indexOf(v), v) {
		case panics:
			panic(Fault{Stage: k, Of: v})
		case fails:
			items[i] = Fault{Stage: k, Of: v}
			if !p.Stages[k].Items {
				return items[i]
			}
		default:
			items[i] = nil
		}
	}
	if !p.Stages[k].Items {
		return nil
	}
	return fmt.Errorf("written in part: %w", items)
}

// parts returns the values that a FlatMap makes of v.
func parts(v string, k, n int) []string {
	return lo.Times(n, func(i int) string { return fmt.Sprintf("%s.%d/%d", v, k, i) })
}
