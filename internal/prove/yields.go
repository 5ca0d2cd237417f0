package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// yielding are the packages whose goroutines yield. Their tests are run, and whole runs also run those of checking, which need
// many cases to find the stages that are broken on purpose.
var (
	yielding = []string{".", "internal/lanes", "internal/ledger", "internal/order"}
	checking = []string{"batchtest"}
)

// costs matches the tests that count allocations, memory or time, which are others in a program that yields.
const costs = "Cost|Alloc|Memory|Linear|StoreEachValueOnce"

// runLength is how many cases of each property a whole run of the tests draws. As in go test, the main ones draw more.
const runLength = 100

// yields runs the tests in a program that yields the processor before one statement in forty, and sometimes for long. So
// goroutines overtake each other where the scheduler would rarely let them. It draws n cases of each property, a hundred in
// each run; if n is less, there is one short run. Every run draws anew where to yield. Their GOMAXPROCS is 1, 2 and 8 in turn.
func yields(ctx context.Context, from, n int) error {
	dir, err := os.MkdirTemp("", "prove")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := newOverlay(dir)
	if err != nil {
		return err
	}
	cases, tested := min(n, runLength), yielding
	if cases == runLength {
		tested = slices.Concat(yielding, checking)
	}
	binary := func(folder string) string { return filepath.Join(dir, strings.ReplaceAll(folder, "/", "_")+".test") }
	for _, folder := range tested {
		if err := command(ctx, "go", "test", "-c", "-overlay", overlay, "-o", binary(folder), "./"+folder); err != nil {
			return err
		}
	}
	first, last := from/runLength, (from+n+runLength-1)/runLength
	return inParallel(ctx, first, last, func(ctx context.Context, round int) error {
		return inParallel(ctx, 0, len(tested), func(ctx context.Context, i int) error {
			folder := tested[i]
			test := exec.CommandContext(ctx, binary(folder), "-test.shuffle=on", "-test.timeout=2h", "-test.skip="+costs,
				"-rapid.checks="+fmt.Sprint(cases))
			test.Dir, test.Env = folder, append(os.Environ(), "GOMAXPROCS="+processors(round))
			if out, err := outputOf(test, false); err != nil {
				return fmt.Errorf("%s\nround %d: %s failed with GOMAXPROCS=%s: %w", withoutDraws(out), round, folder, processors(round), err)
			}
			return nil
		}, func(int) {})
	}, func(done int) {
		done *= runLength
		fmt.Printf("%d of %d cases; to continue from here: -from %d -n %d\n", min(done, n), n, first*runLength+done, max(n-done, 0))
	})
}

// newOverlay writes the files that replace those of the yielding packages, and the file that tells go build so. It returns the
// name of that file.
func newOverlay(dir string) (string, error) {
	var overlay struct{ Replace map[string]string }
	overlay.Replace = make(map[string]string)
	replace := func(file string, source []byte) error {
		name, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		copied := filepath.Join(dir, fmt.Sprint(len(overlay.Replace), ".go"))
		overlay.Replace[name] = copied
		return os.WriteFile(copied, source, 0o600)
	}
	for _, folder := range yielding {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			return "", err
		}
		name := ""
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			if source, name, err = withYields(source); err != nil {
				return "", fmt.Errorf("%s: %w", file, err)
			}
			if err := replace(file, source); err != nil {
				return "", err
			}
		}
		if err := replace(filepath.Join(folder, "yield_at_random.go"), []byte("package "+name+yieldAtRandom)); err != nil {
			return "", err
		}
	}
	content, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, content, 0o600)
}

// withYields adds a call of yieldAtRandom before every statement, on the same line, and returns the name of the package, too.
// Functions with a directive for the compiler stay as they are.
func withYields(source []byte) (changed []byte, name string, err error) {
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, "", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, "", err
	}
	var at []int
	ast.Inspect(file, func(n ast.Node) bool {
		var statements []ast.Stmt
		switch n := n.(type) {
		case *ast.FuncDecl:
			return n.Doc == nil || !strings.HasPrefix(n.Doc.List[len(n.Doc.List)-1].Text, "//go:")
		case *ast.BlockStmt:
			statements = n.List
		case *ast.CaseClause:
			statements = n.Body
		case *ast.CommClause:
			statements = n.Body
		}
		for _, s := range statements {
			switch s.(type) {
			case *ast.CaseClause, *ast.CommClause: // the statements of a switch or select
			default:
				at = append(at, positions.Position(s.Pos()).Offset)
			}
		}
		return true
	})
	slices.Sort(at)
	begin := 0
	for _, offset := range at {
		changed = append(append(changed, source[begin:offset]...), "yieldAtRandom(); "...)
		begin = offset
	}
	return append(changed, source[begin:]...), file.Name.Name, nil
}

const yieldAtRandom = `

import (
	"math/rand/v2"
	"runtime"
)

var yieldsPerLongOne = 2 << rand.N(7)

func yieldAtRandom() {
	if rand.N(40) != 0 {
		return
	}
	most := 12
	if rand.N(yieldsPerLongOne) == 0 {
		most = 400
	}
	for range rand.N(most) {
		runtime.Gosched()
	}
}
`
