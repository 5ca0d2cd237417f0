package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// results are the verdicts so far, in a file with a JSON object per line.
type results struct {
	file    *os.File
	encoder *json.Encoder
	known   map[key]result
}

type result struct {
	mutant
	Hash    string // of the declaration
	At      int    // where in the declaration
	Tests   string // changes with the tests
	Verdict verdict
	Killer  string `json:",omitempty"`
}

type key struct {
	file, hash, operator, before, after string
	at                                  int
}

func keyOf(m mutant) key { return key{m.File, m.hash, m.Operator, m.Before, m.After, m.at} }

func openResults(name string) (*results, error) {
	r := &results{known: map[key]result{}}
	old, err := os.Open(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		defer old.Close()
		for lines := bufio.NewScanner(old); lines.Scan(); {
			var known result
			// The last line may be cut off if a run was killed.
			if json.Unmarshal(lines.Bytes(), &known) == nil {
				known.hash, known.at = known.Hash, known.At
				r.known[keyOf(known.mutant)] = known
			}
		}
	}
	if r.file, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	r.encoder = json.NewEncoder(r.file)
	r.encoder.SetEscapeHTML(false)
	return r, nil
}

func (r *results) close() { r.file.Close() }

// of returns the verdict on a mutant. One that survived is judged again once the tests have changed.
func (r *results) of(m mutant, tests string) (verdict, bool) {
	known, ok := r.known[keyOf(m)]
	if !ok || known.Verdict == survived && known.Tests != tests {
		return "", false
	}
	return known.Verdict, true
}

func (r *results) add(m mutant, tests string, v verdict, killer string) error {
	return r.encoder.Encode(result{mutant: m, Hash: m.hash, At: m.at, Tests: tests, Verdict: v, Killer: killer})
}

var (
	failure = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)
	running = regexp.MustCompile(`(?m)^=== RUN\s+(\S+)`)
)

// timedOut reports whether the tests were stopped since they took too long.
func timedOut(output string) bool { return strings.Contains(output, "panic: test timed out after ") }

// killerIn returns the test that failed, or the one that ran last if the process broke off.
func killerIn(output string) string {
	if found := failure.FindStringSubmatch(output); found != nil {
		return found[1]
	}
	if found := running.FindAllStringSubmatch(output, -1); found != nil {
		name, _, _ := strings.Cut(found[len(found)-1][1], "/")
		return name
	}
	return "start"
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d  %s: %s → %s\n            %s  %s", m.File, m.Line, m.Operator, m.Before, m.After, m.Function, m.Text)
}
