package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/samber/lo"
)

// equivalents are the mutants that behave like the original. The file has an entry per line of code, with an empty
// line between entries:
//
//	internal/order/order.go line.insert
//	if at == l.head && l.head > 0 {
//	- boundary: l.head > 0 → l.head >= 0
//	Why no test can notice.
//
// Entries have no line numbers, so that they survive edits of the rest of the file. Lines before the first entry that
// begin with # are comments.
type equivalents struct {
	entries []equivalent
}

type equivalent struct {
	file, function, text string
	changes              []string
	reason               string
}

func readEquivalents(name string) (*equivalents, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	parsed, err := parseEquivalents(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return parsed, nil
}

func parseEquivalents(content string) (*equivalents, error) {
	var all equivalents
	for paragraph := range strings.SplitSeq(content, "\n\n") {
		lines := lo.Filter(strings.Split(paragraph, "\n"), func(line string, _ int) bool {
			return line != "" && !strings.HasPrefix(line, "#")
		})
		if len(lines) == 0 {
			continue
		}
		if len(lines) < 4 {
			return nil, fmt.Errorf("%q: an entry has a place, a line of code, changes and a reason", lines[0])
		}
		e := equivalent{text: strings.TrimSpace(lines[1])}
		e.file, e.function, _ = strings.Cut(lines[0], " ")
		rest := lines[2:]
		for len(rest) > 0 && strings.HasPrefix(rest[0], "- ") {
			e.changes, rest = append(e.changes, strings.TrimPrefix(rest[0], "- ")), rest[1:]
		}
		e.reason = strings.Join(rest, " ")
		if len(e.changes) == 0 || e.reason == "" {
			return nil, errors.New(lines[0] + ": " + lines[1] + ": needs changes and a reason")
		}
		all.entries = append(all.entries, e)
	}
	return &all, nil
}

func (m mutant) change() string { return m.Operator + ": " + m.Before + " → " + m.After }

func (e equivalent) has(m mutant) bool {
	return e.file == m.File && e.function == m.Function && e.text == m.Text && slices.Contains(e.changes, m.change())
}

func (e *equivalents) has(m mutant) bool {
	return slices.ContainsFunc(e.entries, func(e equivalent) bool { return e.has(m) })
}

func (e *equivalents) in(all []mutant) int { return lo.CountBy(all, e.has) }

// unused describes the changes of a package that are listed but are no mutants of it.
func (e *equivalents) unused(p pkg, all []mutant) []string {
	var unused []string
	for _, entry := range e.entries {
		if dir := path.Dir(entry.file); dir != "." && dir != relativeDir(p) || dir == "." && relativeDir(p) != "" {
			continue
		}
		for _, change := range entry.changes {
			one := entry
			one.changes = []string{change}
			if !slices.ContainsFunc(all, one.has) {
				unused = append(unused, entry.file+" "+entry.function+": "+entry.text+": "+change)
			}
		}
	}
	return unused
}
