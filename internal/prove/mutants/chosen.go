package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/samber/lo"
)

// many is a test binary with many mutants in it, one of which is chosen per process.
type many struct {
	dir     string
	suite   suite // without tests that fail there though no mutant is chosen
	numbers map[key]int
}

// compileMany compiles a package's tests with as many of the mutants as can be compiled together.
func compileMany(ctx context.Context, s suite, under pkg, mutants []mutant) (*many, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	m := &many{dir: dir, suite: suite{of: s.of}, numbers: map[key]int{}}
	together := map[int]mutant{}
	for i, one := range mutants {
		if one.choice.possible() {
			together[i+1] = one
		}
	}
	for {
		overlay, err := writeMany(dir, under, together)
		if err != nil {
			return m, err
		}
		out, err := goTest(ctx, s.of, m.binary(), "-gcflags=-e", "-overlay="+overlay)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return m, ctx.Err()
		}
		before := len(together)
		leaveOut(together, string(out))
		if len(together) == before {
			return m, fmt.Errorf("%w\n%s", err, out)
		}
	}
	for number, one := range together {
		m.numbers[keyOf(one)] = number
	}
	return m, m.keepTests(ctx, s.tests)
}

func (m *many) binary() string { return filepath.Join(m.dir, "mutants.test") }

// keepTests keeps the tests that pass if no mutant is chosen. Some measure costs, and the choices have costs.
func (m *many) keepTests(ctx context.Context, tests []test) error {
	for _, t := range tests {
		if _, err := runTests(ctx, m.suite.of, m.binary(), []string{t.name}, time.Minute, 0); err == nil {
			m.suite.tests = append(m.suite.tests, t)
		}
	}
	return ctx.Err()
}

func writeMany(dir string, p pkg, together map[int]mutant) (string, error) {
	added := filepath.Join(p.Dir, "mutant_chosen.go")
	overlay := map[string]string{added: filepath.Join(dir, "chosen.go")}
	if err := os.WriteFile(overlay[added], []byte(chooser(p.Name)), 0o600); err != nil {
		return "", err
	}
	for _, file := range p.GoFiles {
		original := filepath.Join(p.Dir, file)
		source, err := os.ReadFile(original)
		if err != nil {
			return "", err
		}
		of := lo.PickBy(together, func(_ int, m mutant) bool { return filepath.Join(p.Module.Dir, m.File) == original })
		overlay[original] = filepath.Join(dir, "with_"+file)
		if err := os.WriteFile(overlay[original], choose(source, of), 0o600); err != nil {
			return "", err
		}
	}
	return writeReplacements(dir, overlay)
}

func writeReplacements(dir string, replaced map[string]string) (string, error) {
	list, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}

var compilerError = regexp.MustCompile(`(?m)with_(\S+?\.go):(\d+):`)

// leaveOut takes the mutants out that the compiler complains about: those that begin in the line, or all of the
// function if none does.
func leaveOut(together map[int]mutant, output string) {
	for _, found := range compilerError.FindAllStringSubmatch(output, -1) {
		line, err := strconv.Atoi(found[2])
		if err != nil {
			continue
		}
		in := lo.PickBy(together, func(_ int, m mutant) bool { return strings.HasSuffix("/"+m.File, "/"+found[1]) })
		at := lo.PickBy(in, func(_ int, m mutant) bool { return m.Line == line })
		if len(at) == 0 {
			at = lo.PickBy(in, func(_ int, m mutant) bool { return m.within[0] <= line && line <= m.within[1] })
		}
		for _, number := range slices.Collect(maps.Keys(at)) {
			delete(together, number)
		}
	}
}
