package draw

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
)

// Fault is the error of a drawn function.
type Fault struct {
	Stage int
	Of    string // the value or error that the function received
	As    error  // what the error wraps, to look like it
}

func (f Fault) Error() string { return "fault(" + strconv.Itoa(f.Stage) + "," + f.Of + ")" }
func (f Fault) Unwrap() error { return f.As }

// ErrShutdown is the cause of a cancelled context.
var ErrShutdown = errors.New("shutdown")

// entry is the number of the stage that makes texts of events.
const entry = -1

// otherID begins the identifiers of the records that stray stages add.
const otherID = "other"

// Play is one execution of a Case on package batch.
type Play struct {
	Case
	cancel context.CancelCauseFunc
	scopes *Scopes // nil: none

	mu    sync.Mutex
	n     int
	calls []string
	wrong []string
}

// Play returns a new execution. Call number CancelAt calls cancel.
func (c Case) Play(cancel context.CancelCauseFunc) *Play {
	p := &Play{Case: c, cancel: cancel}
	if c.Scoped && c.Batch.Source != Of { // Of takes no options
		p.scopes = new(Scopes)
	}
	return p
}

// Calls returns the calls so far.
func (p *Play) Calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.calls...)
}

// Wrong returns what was wrong in the calls and the scopes so far.
func (p *Play) Wrong() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scopes != nil {
		return append(slices.Clone(p.wrong), p.scopes.Wrong()...)
	}
	return p.wrong
}

// Idle returns the records whose scopes were opened although no function was called for them.
func (p *Play) Idle() []int {
	if p.scopes == nil || p.strays() {
		return nil
	}
	return p.scopes.Idle()
}

// options are the options of the batch and of its scopes.
func (p *Play) options() []batch.Option {
	opts := p.Case.options()
	if p.scopes != nil {
		opts = append(opts, p.scopes.Options()...)
	}
	return opts
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

// do begins every drawn function. It panics or returns an error if the fate of the record says so.
func (p *Play) do(k, index int, token string) (fate string, err error) {
	p.noteCall(index)
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

// Source is the source with the stages before the cut.
func (p *Play) Source(ctx context.Context, opts ...batch.Option) batch.Stream[string] {
	return p.stages(p.stream(ctx, p, append(p.options(), opts...)), 0, p.Cut)
}

// Stage is the stages after the cut.
func (p *Play) Stage(s batch.Stream[string]) batch.Stream[string] {
	return p.stages(s, p.Cut, len(p.Stages))
}

// Whole is the source with all stages.
func (p *Play) Whole(ctx context.Context, opts ...batch.Option) batch.Stream[string] {
	return p.Stage(p.Source(ctx, opts...))
}

// Pipeline is all stages without the source.
func (p *Play) Pipeline(s batch.Stream[string]) batch.Stream[string] {
	return p.stages(s, 0, len(p.Stages))
}

// Invoke passes the event to a handler.
func (p *Play) Invoke(ctx context.Context, opts ...batch.Option) ([]byte, error) {
	return p.handler(p, append(p.options(), opts...)).Invoke(ctx, p.Payload())
}

func (p *Play) stages(s batch.Stream[string], from, to int) batch.Stream[string] {
	for k := from; k < to; k++ {
		s = p.stage(k, s)
	}
	return s
}

// checkContext complains if the context of a function is not that of its record.
func (p *Play) checkContext(ctx context.Context, v string) {
	r, ok := batch.RecordFrom(ctx)
	if strings.HasPrefix(r.ID, otherID) {
		return
	}
	i := indexOf(v)
	if p.scopes != nil {
		p.scopes.CallIn(ctx, i)
	}
	switch {
	case !ok:
		p.complain(v + " without a record")
	case r.Index != i || r.ID != p.Records[i].ID || r.Attempt != p.Records[i].Attempt:
		p.complain(fmt.Sprintf("%s with record %+v", v, r))
	case p.Batch.Source != DynamoDB && r.Group != p.Records[i].Group:
		p.complain(fmt.Sprintf("%s with group %q", v, r.Group))
	}
}

// noteCall notes in the scopes a call for a record of the batch.
func (p *Play) noteCall(index int) {
	if p.scopes != nil && index >= 0 && !p.strays() {
		p.scopes.Call(index)
	}
}

// strays reports whether a stage adds records of another batch.
func (p *Play) strays() bool {
	return slices.ContainsFunc(p.Stages, func(s Stage) bool { return slices.Contains(Stray, s.Kind) })
}

func (p *Play) complain(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, what)
}
