package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/matryer/is"
	"github.com/samber/lo"
)

// mutantsOf returns the mutants of a function's body, each as "operator: before → after".
func mutantsOf(t *testing.T, body string) []string {
	t.Helper()
	found, err := find("f.go", []byte("package p\n\nfunc f(a, b int, ok bool) (int, error) {\n"+body+"\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return lo.Map(found, func(m mutant, _ int) string { return m.change() })
}

func TestEachOperatorFindsItsMutants(t *testing.T) {
	for body, want := range map[string][]string{
		"_ = a < b":             {"boundary: a < b → a <= b", "negation: a < b → a >= b"},
		"_ = a == b":            {"negation: a == b → a != b"},
		"_ = a + 2":             {"arithmetic: a + 2 → a - 2", "constant: 2 → (2 + 1)"},
		`_ = "a" + c()`:         {`constant: "a" → ""`},
		"_ = !ok":               {"sign: !ok → ok"},
		"_ = false":             {"constant: false → true"},
		"_ = ok && c()":         {"side: ok → true", "side: c() → true"},
		"_ = ok || c()":         {"side: ok → false", "side: c() → false"},
		"if ok {\n}":            {"condition: ok → true", "condition: ok → false", "condition: ok → !(ok)"},
		"switch {\ncase ok:\n}": {"condition: ok → true", "condition: ok → false", "condition: ok → !(ok)"},
		"for ok {\nbreak\n}": {
			"condition: ok → true", "condition: ok → false", "condition: ok → !(ok)", "jump: break → continue",
		},
		"c()":                             {"statement: c() → nothing"},
		"defer c()":                       {"statement: defer c() → nothing"},
		"a += b":                          {"arithmetic: a += b → a -= b", "statement: a += b → nothing"},
		"a++":                             {"arithmetic: a++ → a--", "statement: a++ → nothing"},
		"c := a":                          nil,
		"return a, e":                     {"return: return a, e → return 0, e", "return: return a, e → return a, nil"},
		"return 0, nil":                   {"constant: 0 → (0 + 1)"},
		"_ = func() bool { return ok }":   {"return: return ok → return false"},
		"_ = func() s { return *new(s) }": nil,
	} {
		t.Run(body, func(t *testing.T) {
			is := is.New(t)
			// The assignments to the blank identifier are only there to make a statement.
			got := lo.Reject(mutantsOf(t, body), func(m string, _ int) bool { return strings.HasPrefix(m, "statement: _ =") })
			is.Equal(len(got), len(want)) // not found, or too many
			is.True(lo.Every(got, want))
		})
	}
}

func TestAMutantChangesOnePlaceAndStillUsesEveryVariable(t *testing.T) {
	is := is.New(t)
	const before = "package p\n\nfunc (l *list[T]) f(a bool) {\n\tif a && b() {\n\t\tc(a)\n\t}\n}\n"
	found, err := find("p/f.go", []byte(before))
	is.NoErr(err)
	after := lo.SliceToMap(found, func(m mutant) (string, string) { return m.change(), string(m.apply([]byte(before))) })
	is.Equal(after["side: a → true"], strings.Replace(before, "a && b()", "(true || (a)) && b()", 1))
	is.Equal(after["condition: a && b() → false"], strings.Replace(before, "a && b()", "false && (a && b())", 1))
	is.Equal(after["statement: c(a) → nothing"], strings.Replace(before, "c(a)", "if false { c(a) }", 1))
	m, ok := lo.Find(found, func(m mutant) bool { return m.Operator == "statement" })
	is.True(ok)
	is.Equal([]any{m.File, m.Function, m.Line, m.Text}, []any{"p/f.go", "list.f", 5, "c(a)"})
}

func TestTagsAndImportsAreNoConstants(t *testing.T) {
	is := is.New(t)
	found, err := find("f.go", []byte("package p\n\nimport \"fmt\"\n\ntype t struct {\n\ta int `json:\"a\"`\n}\n\nfunc f() {\n\ttype u struct {\n\t\ta int `json:\"a\"`\n\t}\n}\n"))
	is.NoErr(err)
	is.Equal(len(found), 0)
}

func TestAllMutantsOfAFunctionCanBeChosenTogether(t *testing.T) {
	is := is.New(t)
	const before = "package p\n\nfunc f(a, b int) bool {\n\tif a < b && a > 0 {\n\t\ta++\n\t}\n\treturn a == b\n}\n"
	found, err := find("f.go", []byte(before))
	is.NoErr(err)
	together := map[int]mutant{}
	for i, m := range found {
		is.True(m.choice.possible())
		together[i+1] = m
	}
	after := choose([]byte(before), together)
	_, err = find("f.go", after)
	is.NoErr(err)
	is.Equal(strings.Count(string(after), "\n"), strings.Count(before, "\n")) // or errors would point elsewhere
	for number := range together {
		is.True(strings.Contains(string(after), fmt.Sprintf("mutantIs(%d)", number)))
	}
	last := found[len(found)-1]
	is.Equal(last.change(), "negation: a == b → a != b")
	is.Equal(string(choose([]byte(before), map[int]mutant{7: last})),
		strings.Replace(before, "a == b", "(mutantIs(7) && (a != b) || !mutantIs(7) && (a == b))", 1))
}

func TestMutantsThatCannotBeCompiledTogetherAreLeftOut(t *testing.T) {
	is := is.New(t)
	at := func(line int) mutant { return mutant{File: "p/f.go", Line: line, within: [2]int{1, 9}} }
	together := map[int]mutant{1: at(3), 2: at(4), 3: {File: "p/g.go", Line: 3}, 4: {File: "p/h.go", Line: 5, within: [2]int{2, 9}}}
	leaveOut(together, "# p\n./with_f.go:3:7: declared and not used: a\n./with_h.go:8: missing return\n")
	is.Equal(slices.Sorted(maps.Keys(together)), []int{2, 3})
}
