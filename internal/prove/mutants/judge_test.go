package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/matryer/is"
	"github.com/samber/lo"
)

const listedEntry = `# A comment.

p/f.go list.f
	if a && b() {
- side: a → true
- side: b() → true
Nobody
can tell.
`

func TestAListedMutantIsKnownWhereverItsLineIs(t *testing.T) {
	is := is.New(t)
	listed, err := parseEquivalents(listedEntry)
	is.NoErr(err)
	m := mutant{File: "p/f.go", Function: "list.f", Line: 7, Text: "if a && b() {", Operator: "side", Before: "b()", After: "true"}
	is.True(listed.has(m))
	other := m
	other.Operator = "condition"
	is.True(!listed.has(other))
	here := pkg{Dir: "/m/p", Module: struct{ Dir string }{"/m"}}
	is.Equal(listed.in([]mutant{m, other}), 1)
	is.Equal(listed.unused(here, []mutant{m, other}), []string{"p/f.go list.f: if a && b() {: side: a → true"})
	elsewhere := pkg{Dir: "/m", Module: struct{ Dir string }{"/m"}}
	is.Equal(len(listed.unused(elsewhere, nil)), 0)
}

func TestAListedMutantNeedsAReason(t *testing.T) {
	is := is.New(t)
	_, err := parseEquivalents("p/f.go f\na()\n- statement: a() → nothing\n- statement: b() → nothing\n")
	is.True(err != nil)
	_, err = parseEquivalents("p/f.go f\na()\nbecause\nit is so\n")
	is.True(err != nil)
}

func TestVerdictsAreKeptUntilTheFunctionOrForASurvivorTheTestsChange(t *testing.T) {
	is := is.New(t)
	name := filepath.Join(t.TempDir(), "results.jsonl")
	dead := mutant{File: "f.go", Operator: "side", Before: "a", After: "true", hash: "1", at: 5}
	alive := dead
	alive.at = 9
	kept, err := openResults(name)
	is.NoErr(err)
	is.NoErr(kept.add(dead, "tests", killed, "TestA"))
	is.NoErr(kept.add(alive, "tests", survived, ""))
	kept.close()
	file, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	is.NoErr(err)
	_, err = file.WriteString(`{"File":"cut o`)
	is.NoErr(err)
	is.NoErr(file.Close())

	kept, err = openResults(name)
	is.NoErr(err)
	defer kept.close()
	for _, test := range []struct {
		m     mutant
		tests string
		want  verdict
	}{{dead, "tests", killed}, {dead, "others", killed}, {alive, "tests", survived}, {alive, "others", ""}} {
		got, ok := kept.of(test.m, test.tests)
		is.Equal(got, test.want)
		is.Equal(ok, test.want != "")
	}
	dead.hash = "2"
	_, ok := kept.of(dead, "tests")
	is.True(!ok)
}

func TestTheTestsThatReachAMutantJudgeIt(t *testing.T) {
	is := is.New(t)
	s := suite{tests: []test{
		{name: "line", reaches: []block{{file: "f.go", line: 4, column: 12, toLine: 6, toColumn: 20}}},
		{name: "function", reaches: []block{{file: "f.go", line: 8, toLine: 9}}},
		{name: "elsewhere", reaches: []block{{file: "g.go", line: 1, toLine: 99}}},
	}}
	reaching := func(function string, line, column int) []string {
		m := mutant{File: "f.go", Function: function, Line: line, column: column, within: [2]int{3, 10}}
		return lo.Map(s.reaching(m), func(t test, _ int) string { return t.name })
	}
	is.Equal(reaching("f", 4, 12), []string{"line"})
	is.Equal(reaching("f", 5, 1), []string{"line"})
	is.Equal(reaching("f", 6, 19), []string{"line"})
	is.Equal(reaching("f", 4, 11), []string{"line", "function"}) // the condition of a case, whose statements are the block
	is.Equal(reaching("f", 6, 20), []string{"line", "function"})
	is.Equal(reaching("f", 7, 1), []string{"line", "function"}) // in no block that ran
	is.Equal(reaching("", 1, 1), []string{"line", "function", "elsewhere"})
}

func TestASuiteWithoutSomeTestsHasTheOthersInTheirOrder(t *testing.T) {
	is := is.New(t)
	s := suite{of: pkg{Name: "p"}, tests: []test{{name: "c"}, {name: "a"}, {name: "b"}}}
	is.Equal(s.without([]test{{name: "a"}, {name: "d"}}), suite{of: pkg{Name: "p"}, tests: []test{{name: "c"}, {name: "b"}}})
}

func TestSlowTestsRunAlone(t *testing.T) {
	is := is.New(t)
	took := []time.Duration{1, 2, 600, 700, 5000}
	tests := lo.Map(took, func(ms time.Duration, _ int) test { return test{took: ms * time.Millisecond} })
	is.Equal(lo.Map(portions(tests), func(p []test, _ int) int { return len(p) }), []int{3, 1, 1})
}

func TestTheTestsThatAreLikelyToKillRunFirst(t *testing.T) {
	is := is.New(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "mutant.test")
	reached := []block{{file: "f.go"}}
	s := suite{of: pkg{Dir: dir}, tests: []test{{"TestA", 0, reached}, {"TestB", time.Minute, reached}, {"TestC", time.Hour, reached}}}
	is.NoErr(os.WriteFile(binary, []byte("#!/bin/sh\necho $2 >> ran\n"), 0o700)) // $2 follows -test.run
	v, _, err := s.try(t.Context(), mutant{File: "f.go"}, binary, 0, map[string]bool{"TestC": true, "TestX": true})
	is.NoErr(err)
	is.Equal(v, survived)
	ran, err := os.ReadFile(filepath.Join(dir, "ran"))
	is.NoErr(err)
	is.Equal(strings.Fields(string(ran)), []string{"^(TestC)$", "^(TestA)$", "^(TestB)$"})
}

func TestTestsThatAreStoppedAreTriedOnceMore(t *testing.T) {
	is := is.New(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "mutant.test")
	s := suite{of: pkg{Dir: dir}, tests: []test{{name: "TestA", reaches: []block{{file: "f.go"}}}}}
	m := mutant{File: "f.go"}
	is.NoErr(os.WriteFile(binary, []byte("#!/bin/sh\n"+
		"if [ -e stopped ]; then exit 0; fi\n"+
		"touch stopped; echo 'panic: test timed out after 5s'; exit 2\n"), 0o700))
	v, _, err := s.try(t.Context(), m, binary, 0, nil)
	is.NoErr(err)
	is.Equal(v, survived)

	is.NoErr(os.WriteFile(binary, []byte("#!/bin/sh\necho 'panic: test timed out after 5s'; exit 2\n"), 0o700))
	v, _, err = s.try(t.Context(), m, binary, 0, nil)
	is.NoErr(err)
	is.Equal(v, killed)
}

func TestTheKillerIsTheTestThatFailedOrRanLast(t *testing.T) {
	is := is.New(t)
	is.Equal(killerIn("=== RUN   TestA\n=== RUN   TestB\n    x\n--- FAIL: TestB (0.1s)\n"), "TestB")
	is.Equal(killerIn("=== RUN   TestA\n=== RUN   TestB/part\npanic: test timed out\n"), "TestB")
	is.Equal(killerIn("fatal error\n"), "start")
}

func TestASampleIsTheSameForTheSameSeedAndInTheOrderOfTheFiles(t *testing.T) {
	is := is.New(t)
	all := lo.Times(100, func(i int) mutant { return mutant{Line: i} })
	drawn := sampleOf(all, 10, 1)
	is.Equal(len(drawn), 10)
	is.Equal(drawn, sampleOf(all, 10, 1))
	is.True(lo.IsSortedBy(drawn, func(m mutant) int { return m.Line }))
	is.Equal(sampleOf(all, 0, 1), all)
	is.Equal(sampleOf(all, 1000, 1), all)
}

func TestPatternsChooseFiles(t *testing.T) {
	is := is.New(t)
	all := []mutant{{File: "chunk.go", Line: 1}, {File: "parallel.go", Line: 2}, {File: "internal/lanes/parallel_turn.go", Line: 3}}
	chosen, err := inFiles(all, "parallel*.go")
	is.NoErr(err)
	is.Equal(chosen, all[1:])
	chosen, err = inFiles(all, "chunk.go,parallel.go")
	is.NoErr(err)
	is.Equal(chosen, all[:2])
	_, err = inFiles(nil, "chunk.go,[")
	is.True(err != nil)
}
