package draw

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
)

// Fault is the error of a drawn function.
type Fault struct {
	Stage int
	Of    string // what the function got
	As    error  // what the error passes itself off as
}

func (f Fault) Error() string { return "fault(" + strconv.Itoa(f.Stage) + "," + f.Of + ")" }
func (f Fault) Unwrap() error { return f.As }

// ErrShutdown is the cause for which a context is cancelled.
var ErrShutdown = errors.New("shutdown")

// entry is the number of the first stage of sources whose values are no texts.
const entry = -1

// otherID is what the identifiers of the stages' own source begin with.
const otherID = "other"

// Play is one execution of a Case.
type Play struct {
	Case
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	n     int
	calls []string
	wrong []string
}

// Play returns an execution whose functions cancel with cancel.
func (c Case) Play(cancel context.CancelCauseFunc) *Play { return &Play{Case: c, cancel: cancel} }

// Calls returns the calls so far.
func (p *Play) Calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.calls...)
}

// Wrong returns what functions have seen that they should not.
func (p *Play) Wrong() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrong
}

func (p *Play) call(k int, token string) {
	p.mu.Lock()
	p.n++
	n := p.n
	p.calls = append(p.calls, strconv.Itoa(k)+" "+token)
	p.mu.Unlock()
	if n == p.CancelAt {
		p.cancel(ErrShutdown)
	}
	if len(p.Takes) > 0 {
		time.Sleep(p.Takes[n%len(p.Takes)])
	}
}

// do is what every drawn function begins with.
func (p *Play) do(k, index int, token string) (fate string, err error) {
	p.call(k, token)
	fate = p.Stages[k].fate(index, token)
	switch fate {
	case fails, differs:
		return fate, Fault{Stage: k, Of: token}
	case poses:
		return fate, Fault{Stage: k, Of: token, As: batch.ErrBlocked}
	case panics:
		panic(Fault{Stage: k, Of: token})
	}
	return fate, nil
}

// Source is the source with those stages that belong to it.
func (p *Play) Source(ctx context.Context, opts ...batch.Option) batch.Stream[string] {
	return p.stages(p.stream(ctx, p, append(p.options(), opts...)), 0, p.Cut)
}

// Stage is the stages that do not belong to the source.
func (p *Play) Stage(s batch.Stream[string]) batch.Stream[string] {
	return p.stages(s, p.Cut, len(p.Stages))
}

// Whole is the whole pipeline.
func (p *Play) Whole(ctx context.Context, opts ...batch.Option) batch.Stream[string] {
	return p.Stage(p.Source(ctx, opts...))
}

// Pipeline is all stages.
func (p *Play) Pipeline(s batch.Stream[string]) batch.Stream[string] {
	return p.stages(s, 0, len(p.Stages))
}

// Invoke hands the event to a handler.
func (p *Play) Invoke(ctx context.Context, opts ...batch.Option) ([]byte, error) {
	return p.handler(p, append(p.options(), opts...)).Invoke(ctx, p.Payload())
}

func (p *Play) stages(s batch.Stream[string], from, to int) batch.Stream[string] {
	for k := from; k < to; k++ {
		s = p.stage(k, s)
	}
	return s
}

func (p *Play) stage(k int, s batch.Stream[string]) batch.Stream[string] {
	suffix := "." + strconv.Itoa(k)
	try := func(ctx context.Context, v string) (string, error) {
		p.check(ctx, v)
		_, err := p.do(k, indexOf(v), v)
		return v + suffix, err
	}
	each := func(ctx context.Context, v string) error {
		p.check(ctx, v)
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
			p.check(ctx, v)
			fate, err := p.do(k, indexOf(v), v)
			return fate != rejects, err
		})
	case "flatMap":
		return batch.FlatMap(s, split)
	case "tryFlatMap":
		return batch.TryFlatMap(s, func(ctx context.Context, v string) ([]string, error) {
			p.check(ctx, v)
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

// recovered is what the functions of Catch and OrElse do.
func (p *Play) recovered(ctx context.Context, k int, err error) (string, error) {
	r, ok := batch.RecordFrom(ctx)
	if !ok {
		p.complain("a recovering function without a record")
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

func (p *Play) chunk(ctx context.Context, k int, vs []string) error {
	if _, ok := batch.RecordFrom(ctx); ok {
		p.complain("a chunk with a record")
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

func (p *Play) foreign(kind string, k int, s batch.Stream[string]) batch.Stream[string] {
	picked := func(r batch.Result[string]) string { return p.Stages[k].fate(indexOfResult(r), Describe(r)) }
	type result = batch.Result[string]
	// each makes a stage of what it does with one Result.
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
			var held []result
			for r := range s {
				held = append(held, r)
			}
			for i := range held {
				if kind == "reverse" {
					i = len(held) - 1 - i
				}
				if !yield(held[i]) {
					return
				}
			}
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

// check looks whether the context of a function is that of its record.
func (p *Play) check(ctx context.Context, v string) {
	r, ok := batch.RecordFrom(ctx)
	if strings.HasPrefix(r.ID, otherID) {
		return
	}
	i := indexOf(v)
	switch {
	case !ok:
		p.complain(v + " without a record")
	case r.Index != i || r.ID != p.Records[i].ID || r.Attempt != p.Records[i].Attempt:
		p.complain(fmt.Sprintf("%s with record %+v", v, r))
	case p.Batch.Source != DynamoDB && r.Group != p.Records[i].Group:
		p.complain(fmt.Sprintf("%s with group %q", v, r.Group))
	}
}

func (p *Play) complain(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, what)
}

// parts are the values that a FlatMap makes of v.
func parts(v string, k, n int) []string {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf("%s.%d/%d", v, k, i)
	}
	return values
}

// indexOf is the index of the record that a value belongs to.
func indexOf(v string) int {
	end := strings.IndexFunc(v, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(v)
	}
	i, err := strconv.Atoi(v[:end])
	if err != nil {
		panic("draw: no index in " + v)
	}
	return i
}

func indexOfResult(r batch.Result[string]) int {
	if r.Record().Source == nil {
		return -1
	}
	return r.Record().Index
}

// Describe tells all that can be seen of a Result but its record.
func Describe(r batch.Result[string]) string {
	if v, ok := r.Value(); ok {
		return v
	}
	if err := r.Err(); err != nil {
		return describe(err)
	}
	return "done"
}

// Seen is a Result as it leaves the pipeline.
func Seen(r batch.Result[string]) string {
	return strconv.Itoa(indexOfResult(r)) + ": " + Describe(r)
}

var quoted = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// describe tells which error it is. Of the library's own it tells the kind and
// the records that the text names.
func describe(err error) string {
	var blocked, notStarted, unreached = errors.Is(err, batch.ErrBlocked), errors.Is(err, batch.ErrNotStarted), errors.Is(err, batch.ErrUnreached)
	switch x := err.(type) {
	case Fault:
		return x.Error()
	case *batch.PanicError:
		if f, ok := x.Value.(Fault); ok {
			return "panic:" + f.Error()
		}
		return "panic of something else: " + x.Error()
	case *batch.DecodeError:
		return "undecodable " + strconv.Quote(x.ID)
	case interface{ Unwrap() []error }:
		if all := x.Unwrap(); !notStarted && len(all) == 2 {
			return "join(" + describe(all[0]) + "+" + describe(all[1]) + ")"
		}
	}
	names := fmt.Sprint(quoted.FindAllString(err.Error(), -1))
	switch {
	case blocked:
		return "blocked " + names
	case notStarted && errors.Is(err, ErrShutdown):
		return "not started, shut down " + names
	case notStarted && errors.Is(err, context.DeadlineExceeded):
		return "not started, too late " + names
	case unreached:
		return "unreached " + names
	}
	return "other"
}
