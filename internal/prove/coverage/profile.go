package main

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// A profile says of each block whether it ran.
type profile map[block]bool

// A block is a sequence of statements that run together.
type block struct {
	file       string // the path of its package, and its name
	from, to   int    // lines
	column     int    // of the beginning
	statements int
}

// parse reads the file that go test -coverprofile writes. It may contain a block several times.
func parse(text string) (profile, error) {
	p := profile{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "mode: ") {
			continue
		}
		var b block
		var endColumn, runs int
		file, rest, _ := strings.Cut(line, ":")
		if _, err := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d", &b.from, &b.column, &b.to, &endColumn, &b.statements, &runs); err != nil {
			return nil, fmt.Errorf("line %q of the profile: %w", line, err)
		}
		b.file = file
		p[b] = p[b] || runs > 0
	}
	return p, nil
}

// and returns the profile of both runs together.
func (p profile) and(other profile) profile {
	both := maps.Clone(p)
	for b, ran := range other {
		both[b] = both[b] || ran
	}
	return both
}

// of returns the part of the profile that belongs to a package.
func (p profile) of(name string) profile {
	part := maps.Clone(p)
	maps.DeleteFunc(part, func(b block, _ bool) bool { return path.Dir(b.file) != name })
	return part
}

// count returns how many statements ran, and how many there are.
func (p profile) count() (ran, total int) {
	for b, did := range p {
		total += b.statements
		if did {
			ran += b.statements
		}
	}
	return ran, total
}

// missed returns the places of the statements that did not run.
func (p profile) missed() (places []string) {
	blocks := slices.SortedFunc(maps.Keys(p), func(a, b block) int {
		return cmp.Or(strings.Compare(a.file, b.file), a.from-b.from, a.column-b.column)
	})
	for _, b := range blocks {
		if !p[b] && b.statements > 0 {
			places = append(places, fmt.Sprintf("%s:%d-%d", strings.TrimPrefix(b.file, module+"/"), b.from, b.to))
		}
	}
	return places
}
