// Package ledger records what functions did, outside their processes. The ledger is a
// server in the test, to which a function posts each try and each effect. Its entries
// survive when the process is killed.
package ledger

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"

	"github.com/samber/lo"
)

// A Kind is the kind of an entry.
type Kind string

// A function tries a record, and then stores it or gives it up.
const (
	Try   Kind = "try"
	Store Kind = "store"
	Dead  Kind = "dead"
)

// An Entry is one thing that a function did with a record.
type Entry struct {
	Kind Kind
	ID   string
}

// A Ledger accepts entries on a port of 127.0.0.1 until it is closed.
type Ledger struct {
	server *httptest.Server
	after  func(Entry)

	mu      sync.Mutex
	entries []Entry
	counts  map[Entry]int
}

// Open starts a ledger. If after is not nil, it is called for each entry, once the entry
// is written and before the function receives the response. So a test can make the
// function wait there, or kill it. Several goroutines may call after at once.
func Open(after func(Entry)) *Ledger {
	if after == nil {
		after = func(Entry) {}
	}
	l := &Ledger{after: after, counts: map[Entry]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{kind}", l.write)
	l.server = httptest.NewServer(mux)
	return l
}

// Close ends the server, after it has written the entries that are being posted.
func (l *Ledger) Close() { l.server.Close() }

// URL returns the URL for a function's [Client].
func (l *Ledger) URL() string { return l.server.URL }

func (l *Ledger) write(w http.ResponseWriter, r *http.Request) {
	id, err := io.ReadAll(r.Body)
	if err != nil {
		return // the function was killed while it wrote
	}
	entry := Entry{Kind: Kind(r.PathValue("kind")), ID: string(id)}
	n := l.add(entry)
	l.after(entry)
	_, _ = io.WriteString(w, strconv.Itoa(n))
}

func (l *Ledger) add(entry Entry) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entry)
	l.counts[entry]++
	return l.counts[entry]
}

// Entries returns all entries, in the order in which they were written.
func (l *Ledger) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// IDs returns the records with an entry of the kind, each once, in the order of their
// first entry.
func (l *Ledger) IDs(kind Kind) []string {
	return lo.Uniq(lo.FilterMap(l.Entries(), func(e Entry, _ int) (string, bool) { return e.ID, e.Kind == kind }))
}

// Count returns the number of entries of the kind that a record has.
func (l *Ledger) Count(kind Kind, id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[Entry{kind, id}]
}

// Counts returns the number of entries of the kind that each record has.
func (l *Ledger) Counts(kind Kind) map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := map[string]int{}
	for entry, n := range maps.All(l.counts) {
		if entry.Kind == kind {
			counts[entry.ID] = n
		}
	}
	return counts
}
