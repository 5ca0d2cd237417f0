package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/samber/lo"
)

// A suite is the tests of one package, and what each of them reaches in the package whose mutants are judged.
type suite struct {
	of    pkg
	tests []test // the fastest first
}

type test struct {
	name    string
	took    time.Duration
	reaches []block
}

// A block is what go test -coverprofile calls so: statements that run together.
type block struct {
	file                           string // from the root of the module
	line, column, toLine, toColumn int
}

func (b block) contains(line, column int) bool {
	begun := b.line < line || b.line == line && b.column <= column
	over := b.toLine < line || b.toLine == line && b.toColumn <= column
	return begun && !over
}

// study runs each test of a package alone, and notes what it reaches in the package under test.
func study(ctx context.Context, of, under pkg) (suite, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return suite{}, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "covered.test")
	if out, err := goTest(ctx, of, binary, "-cover", "-coverpkg="+under.ImportPath); err != nil {
		return suite{}, fmt.Errorf("%w\n%s", err, out)
	}
	names, err := listTests(ctx, of, binary)
	if err != nil {
		return suite{}, err
	}
	s := suite{of: of}
	profile := filepath.Join(dir, "profile")
	module := strings.TrimSuffix(strings.TrimSuffix(under.ImportPath, relativeDir(under)), "/")
	for _, name := range names {
		started := time.Now()
		out, err := runTests(ctx, of, binary, []string{name}, time.Minute, 0, "-test.coverprofile="+profile)
		if ctx.Err() != nil {
			return suite{}, ctx.Err()
		}
		if err != nil {
			// Some tests measure costs, which differ while reaching is counted.
			fmt.Printf("  %s fails without a mutant, and judges none:\n%s\n", name, out)
			continue
		}
		took := time.Since(started)
		reached, err := readProfile(profile, module+"/")
		if err != nil {
			return suite{}, err
		}
		if len(reached) > 0 {
			s.tests = append(s.tests, test{name, took, reached})
		}
	}
	slices.SortStableFunc(s.tests, func(a, b test) int { return cmp.Compare(a.took, b.took) })
	return s, nil
}

// without returns the suite without some of its tests.
func (s suite) without(some []test) suite {
	names := lo.SliceToMap(some, func(t test) (string, bool) { return t.name, true })
	return suite{s.of, lo.Reject(s.tests, func(t test, _ int) bool { return names[t.name] })}
}

func relativeDir(p pkg) string {
	relative, err := filepath.Rel(p.Module.Dir, p.Dir)
	if err != nil || relative == "." {
		return ""
	}
	return filepath.ToSlash(relative)
}

func goTest(ctx context.Context, p pkg, binary string, flags ...string) ([]byte, error) {
	args := slices.Concat([]string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", binary}, flags, []string{"."})
	build := exec.CommandContext(ctx, "go", args...)
	build.Dir = p.Dir
	return build.CombinedOutput()
}

var listed = regexp.MustCompile(`^(Test|Example|Fuzz)`)

func listTests(ctx context.Context, p pkg, binary string) ([]string, error) {
	list := exec.CommandContext(ctx, binary, "-test.list", ".")
	list.Dir = p.Dir
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("-test.list: %w", err)
	}
	return slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool { return !listed.MatchString(name) }), nil
}

// A mutant may ask for memory without end. This many KB are enough for every test.
const memory = 8 << 20

// runTests runs some tests of a compiled package, until one fails. If many mutants were compiled together, it chooses
// one.
func runTests(ctx context.Context, p pkg, binary string, names []string, limit time.Duration, chosen int, flags ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit+10*time.Second) // if the test's own alarm does not go off
	defer cancel()
	args := []string{
		"-c", fmt.Sprintf(`ulimit -d %d; exec "$0" "$@"`, memory), binary,
		"-test.run", "^(" + strings.Join(names, "|") + ")$",
		"-test.v", "-test.failfast", "-test.timeout", limit.String(),
	}
	if usesRapid(p) {
		args = append(args, "-rapid.nofailfile", "-rapid.shrinktime=0s")
	}
	tests := exec.CommandContext(ctx, "sh", append(args, flags...)...)
	tests.Dir = p.Dir
	tests.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(chosen))
	tests.WaitDelay = time.Second
	out := &tail{}
	tests.Stdout, tests.Stderr = out, out
	err := tests.Run()
	return out.kept, err
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 1 << 20
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*most {
		t.kept = append(t.kept[:0], t.kept[len(t.kept)-most:]...)
	}
	return len(p), nil
}

// usesRapid reports whether the tests have rapid's flags.
func usesRapid(p pkg) bool {
	for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
		source, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err == nil && strings.Contains(string(source), `"pgregory.net/rapid"`) {
			return true
		}
	}
	return false
}
