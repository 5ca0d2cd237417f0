package main

import (
	"fmt"
	"os"
	"strings"
)

// readProfile returns the blocks of a cover profile that ran. The profile names files by import path; trim is the
// path of the module.
func readProfile(name, trim string) ([]block, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var reached []block
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "mode:") {
			continue
		}
		file, rest, _ := strings.Cut(line, ":")
		b := block{file: strings.TrimPrefix(file, trim)}
		var statements, count int
		if _, err := fmt.Sscanf(rest, "%d.%d,%d.%d %d %d", &b.line, &b.column, &b.toLine, &b.toColumn, &statements, &count); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, line, err)
		}
		if count > 0 {
			reached = append(reached, b)
		}
	}
	return reached, nil
}

// reaching returns the tests that may notice a mutant. A block ends where a condition, a loop or a function literal
// begins, and the conditions of a switch are in none, so some places are in no block that ran: then every test that
// enters the function counts. Outside of functions every test counts.
func (s suite) reaching(m mutant) []test {
	if m.Function == "" {
		return s.tests
	}
	if exact := s.with(m.File, func(b block) bool { return b.contains(m.Line, m.column) }); len(exact) > 0 {
		return exact
	}
	return s.with(m.File, func(b block) bool { return m.within[0] <= b.line && b.toLine <= m.within[1] })
}

func (s suite) with(file string, wanted func(block) bool) []test {
	var found []test
	for _, t := range s.tests {
		for _, b := range t.reaches {
			if b.file == file && wanted(b) {
				found = append(found, t)
				break
			}
		}
	}
	return found
}
