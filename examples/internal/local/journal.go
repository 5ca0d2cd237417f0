package local

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/lambdabatch/batch"
)

// A journal keeps the lines that the functions of an example log at level Info. The library logs failures
// at higher levels; the story has those from the report.
type journal struct {
	mu      sync.Mutex
	records map[int][]string // by the record's index
	batch   []string         // lines whose context is no record's
}

func newJournal() *journal { return &journal{records: make(map[int][]string)} }

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records, j.batch = make(map[int][]string), nil
}

func (j *journal) of(record int) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.records[record]
}

func (j *journal) ofBatch() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.batch
}

// Enabled is part of [slog.Handler].
func (j *journal) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelInfo }

// Handle is part of [slog.Handler].
func (j *journal) Handle(ctx context.Context, line slog.Record) error {
	words := []string{line.Message}
	line.Attrs(func(a slog.Attr) bool {
		words = append(words, a.String())
		return true
	})
	text := strings.Join(words, " ")
	j.mu.Lock()
	defer j.mu.Unlock()
	if record, ok := batch.RecordFrom(ctx); ok {
		j.records[record.Index] = append(j.records[record.Index], text)
	} else {
		j.batch = append(j.batch, text)
	}
	return nil
}

// WithAttrs is part of [slog.Handler]. The examples log without it.
func (j *journal) WithAttrs([]slog.Attr) slog.Handler { return j }

// WithGroup is part of [slog.Handler]. The examples log without it.
func (j *journal) WithGroup(string) slog.Handler { return j }
