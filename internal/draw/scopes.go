package draw

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// Scopes checks the scopes of one batch. A scope must be opened before a function is called for its record, and closed
// once, with the outcome that the report says. Records of other batches must not be passed to it.
type Scopes struct {
	mu      sync.Mutex
	scopes  map[int]*scope
	called  map[int]bool
	wrong   []string
	reports []batch.Report
}

type scope struct {
	index    int
	closings []batch.Outcome
}

type scopeKey struct{}

// Options returns the options that open the scopes.
func (s *Scopes) Options() []batch.Option {
	s.scopes, s.called = make(map[int]*scope), make(map[int]bool)
	return []batch.Option{batch.WithScope(s.open), batch.WithReport(s.report)}
}

func (s *Scopes) open(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if own, ok := batch.RecordFrom(ctx); !ok || own.Index != r.Index || own.ID != r.ID {
		s.complain("the scope of %d is opened in the context of %+v", r.Index, own)
	}
	if s.scopes[r.Index] != nil {
		s.complain("the scope of %d is opened again", r.Index)
	}
	opened := &scope{index: r.Index}
	s.scopes[r.Index] = opened
	return context.WithValue(ctx, scopeKey{}, opened), func(o batch.Outcome) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.reports) > 0 {
			s.complain("the scope of %d is closed after the report", r.Index)
		}
		opened.closings = append(opened.closings, o)
	}
}

func (s *Scopes) report(_ context.Context, r batch.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = append(s.reports, r)
}

// Call notes that a function is called for a record.
func (s *Scopes) Call(index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.called[index] = true
	if s.scopes[index] == nil {
		s.complain("a function is called for %d outside of its scope", index)
	}
}

// CallIn notes that a function is called for a record with this context.
func (s *Scopes) CallIn(ctx context.Context, index int) {
	s.Call(index)
	s.mu.Lock()
	defer s.mu.Unlock()
	if in, _ := ctx.Value(scopeKey{}).(*scope); in == nil || in.index != index {
		s.complain("a function is called for %d in the scope of %+v", index, in)
	}
}

func (s *Scopes) complain(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// Wrong returns what was wrong. Call it after the response.
func (s *Scopes) Wrong() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := slices.Clone(s.wrong)
	if len(s.reports) == 0 {
		return wrong
	}
	own := lo.Reject(s.reports[0].Failures, func(f batch.Failure, _ int) bool { return strings.HasPrefix(f.Record.ID, otherID) })
	reported := lo.Associate(own, func(f batch.Failure) (int, string) { return f.Record.Index, describe(f.Err) })
	for _, i := range slices.Sorted(maps.Keys(s.scopes)) {
		switch closings := s.scopes[i].closings; {
		case len(closings) != 1:
			wrong = append(wrong, fmt.Sprintf("the scope of %d is closed %d times", i, len(closings)))
		case closings[0].Err == nil && reported[i] != "" || closings[0].Err != nil && describe(closings[0].Err) != reported[i]:
			wrong = append(wrong, fmt.Sprintf("the scope of %d is closed with %v, reported %q", i, closings[0].Err, reported[i]))
		case closings[0].Err == nil && closings[0].Finished.IsZero():
			wrong = append(wrong, fmt.Sprintf("%d is acknowledged and has not finished", i))
		}
	}
	return wrong
}

// Idle returns the records whose scopes were opened although no function was called for them.
func (s *Scopes) Idle() (idle []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.scopes {
		if !s.called[i] {
			idle = append(idle, i)
		}
	}
	return idle
}
