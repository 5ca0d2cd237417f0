// Package ledger keeps what functions did, outside the processes that did it:
// a server in the test that a function tells of each try and each effect. What
// it wrote down stays when the process is killed.
package ledger

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
)

// A Kind of entry.
type Kind string

// A function tries a record, then stores it, or gives it up.
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

// A Ledger takes entries on a port of 127.0.0.1 until it is closed.
type Ledger struct {
	server *httptest.Server
	after  func(Entry)

	mu      sync.Mutex
	entries []Entry
	counts  map[Entry]int
}

// Open starts a ledger. It calls after, if not nil, when an entry has been
// written and before the function hears of it, from several goroutines at once:
// a test may hold the function there, or kill it.
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

// Close ends the server and waits for the entries under way.
func (l *Ledger) Close() { l.server.Close() }

// URL is what a function's [Client] needs.
func (l *Ledger) URL() string { return l.server.URL }

func (l *Ledger) write(w http.ResponseWriter, r *http.Request) {
	id, err := io.ReadAll(r.Body)
	if err != nil {
		return // killed while it wrote
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

// Entries returns what was written, in that order.
func (l *Ledger) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// IDs returns the records with an entry of that kind, each once, in the order
// of their first.
func (l *Ledger) IDs(kind Kind) []string {
	var ids []string
	seen := map[string]bool{}
	for _, entry := range l.Entries() {
		if entry.Kind == kind && !seen[entry.ID] {
			seen[entry.ID] = true
			ids = append(ids, entry.ID)
		}
	}
	return ids
}

// Counts returns how many entries of that kind each record has.
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
