package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/samber/lo"
)

// A verdict is what the tests said about a mutant.
type verdict string

const (
	killed   verdict = "killed"
	survived verdict = "survived"
	invalid  verdict = "invalid" // it does not compile
)

// judgePackage judges the mutants of a package that have no verdict yet.
func judgePackage(ctx context.Context, s settings, p pkg, equivalents *equivalents, kept *results) (score, error) {
	all, err := p.mutants()
	if err != nil {
		return score{}, err
	}
	for _, unused := range equivalents.unused(p, all) {
		fmt.Printf("  %s: matches no mutant; correct it or remove it\n", unused)
	}
	wanted, err := inFiles(all, s.file)
	if err != nil {
		return score{}, err
	}
	drawn := sampleOf(lo.Reject(wanted, func(m mutant, _ int) bool { return equivalents.has(m) }), s.sample, s.seed)
	if s.list {
		for _, m := range drawn {
			fmt.Println(m)
		}
		return score{}, nil
	}
	j := &judge{settings: s, under: p, kept: kept, killers: map[string]map[string]bool{}}
	if err := j.prepare(ctx); err != nil {
		return score{}, err
	}
	started := time.Now()
	scored, err := j.all(ctx, drawn)
	scored.name, scored.all, scored.equivalent = p.ImportPath, len(wanted), equivalents.in(wanted)
	scored.took = time.Since(started)
	return scored, err
}

// inFiles returns the mutants in files whose names match one of the patterns of [path.Match], which are separated by commas.
func inFiles(all []mutant, list string) ([]mutant, error) {
	patterns := strings.Split(list, ",")
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, err
		}
	}
	return lo.Filter(all, func(m mutant, _ int) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			matches, _ := path.Match(pattern, path.Base(m.File))
			return matches
		})
	}), nil
}

// sampleOf returns n of the mutants, or all if n is 0, in the order of the files.
func sampleOf(all []mutant, n int, seed uint64) []mutant {
	if n == 0 || n >= len(all) {
		return all
	}
	drawn := rand.New(rand.NewPCG(seed, 0)).Perm(len(all))[:n]
	slices.Sort(drawn)
	return lo.Map(drawn, func(i, _ int) mutant { return all[i] })
}

type judge struct {
	settings
	under pkg
	tests string // changes with the tests
	kept  *results

	first   suite
	many    *many
	then    func() (suite, error) // nothing is compiled before something survives
	done    int
	killers map[string]map[string]bool // by function, the tests that have killed a mutant of it
	mu      sync.Mutex
}

// prepare says which tests judge.
func (j *judge) prepare(ctx context.Context) error {
	hash, err := j.under.testsHash()
	if err != nil {
		return err
	}
	j.tests = fmt.Sprint(hash, j.settings.then, j.race)
	if j.settings.then == "" {
		j.then = func() (suite, error) { return suite{}, nil }
		return nil
	}
	then, err := load(ctx, j.settings.then)
	if err != nil {
		return err
	}
	j.then = sync.OnceValues(func() (suite, error) { return study(ctx, then[0], j.under) })
	return nil
}

func (j *judge) all(ctx context.Context, mutants []mutant) (score, error) {
	var scored score
	var open []mutant
	for _, m := range mutants {
		if known, ok := j.kept.of(m, j.tests); ok {
			scored.count(m, known)
		} else {
			open = append(open, m)
		}
	}
	fmt.Printf("%s: %d mutants, %d of them judged before\n", j.under.ImportPath, len(mutants), len(mutants)-len(open))
	if len(open) == 0 {
		return scored, nil
	}
	var err error
	if j.first, err = study(ctx, j.under, j.under); err != nil {
		return scored, err
	}
	fmt.Printf("  %d tests, which take %v together\n", len(j.first.tests),
		lo.SumBy(j.first.tests, func(t test) time.Duration { return t.took }).Round(time.Millisecond))

	j.many, err = compileMany(ctx, j.first, j.under, open)
	if j.many != nil {
		defer os.RemoveAll(j.many.dir)
	}
	if err != nil {
		return scored, err
	}
	fmt.Printf("  %s  %d mutants compiled together, to be judged by %d tests first\n",
		time.Now().Format(time.TimeOnly), len(j.many.numbers), len(j.many.suite.tests))

	queue := make(chan mutant)
	var workers sync.WaitGroup
	var failed error
	for range max(1, j.workers) {
		workers.Go(func() {
			for m := range queue {
				v, killer, err := j.one(ctx, m)
				j.mu.Lock()
				if err == nil {
					err = j.kept.add(m, j.tests, v, killer)
				}
				if err != nil {
					failed = err
				} else {
					scored.count(m, v)
					j.progress(m, v, len(open))
				}
				j.mu.Unlock()
			}
		})
	}
	for _, m := range open {
		j.mu.Lock()
		stop := failed != nil
		j.mu.Unlock()
		if stop || ctx.Err() != nil {
			break
		}
		queue <- m
	}
	close(queue)
	workers.Wait()
	return scored, failed
}

func (j *judge) progress(m mutant, v verdict, of int) {
	j.done++
	if v == survived {
		fmt.Printf("  survived  %v\n", m)
	}
	if j.done%25 == 0 || j.done == of {
		fmt.Printf("  %s  %d of %d\n", time.Now().Format(time.TimeOnly), j.done, of)
	}
}

// one judges one mutant: first together with many others, then, if it survives, alone, then by the other suite. Alone it
// meets only the tests that it has not met, unless the race detector looks at all of them again.
func (j *judge) one(ctx context.Context, m mutant) (verdict, string, error) {
	alone := j.first
	if number, ok := j.many.numbers[keyOf(m)]; ok {
		v, killer, err := j.many.suite.try(ctx, m, j.many.binary(), number, j.killersIn(m.Function))
		if v == killed {
			j.noteKiller(m.Function, killer)
		}
		if v != survived || err != nil {
			return v, killer, err
		}
		if !j.race {
			alone = j.first.without(j.many.suite.tests)
		}
	}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := writeOverlay(dir, j.under, m)
	if err != nil {
		return "", "", err
	}
	v, killer, err := j.by(ctx, alone, m, dir, overlay)
	if v != survived || err != nil {
		return v, killer, err
	}
	then, err := j.then()
	if err != nil || len(then.tests) == 0 {
		return v, killer, err
	}
	return j.by(ctx, then, m, dir, overlay)
}

// killersIn returns the tests that have killed mutants of a function. They most likely kill the others, too.
func (j *judge) killersIn(function string) map[string]bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.killers[function])
}

func (j *judge) noteKiller(function, name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.killers[function] == nil {
		j.killers[function] = map[string]bool{}
	}
	j.killers[function][name] = true
}

// writeOverlay writes the changed file, and the list that makes the go command read it instead of the original.
func writeOverlay(dir string, p pkg, m mutant) (string, error) {
	original := filepath.Join(p.Module.Dir, filepath.FromSlash(m.File))
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if now, err := find(m.File, source); err != nil || !slices.ContainsFunc(now, func(n mutant) bool { return keyOf(n) == keyOf(m) && n.Line == m.Line }) {
		return "", fmt.Errorf("%s has changed in the meantime", m.File)
	}
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, m.apply(source), 0o600); err != nil {
		return "", err
	}
	return writeReplacements(dir, map[string]string{original: changed})
}

// by compiles a mutant with the tests of a suite, and runs those that reach it.
func (j *judge) by(ctx context.Context, s suite, m mutant, dir, overlay string) (verdict, string, error) {
	if len(s.reaching(m)) == 0 {
		return survived, "", nil
	}
	binary := filepath.Join(dir, "mutant.test")
	flags := []string{"-overlay=" + overlay}
	if j.race {
		flags = append(flags, "-race")
	}
	if _, err := goTest(ctx, s.of, binary, flags...); err != nil {
		return invalid, "", ctx.Err()
	}
	return s.try(ctx, m, binary, 0, nil)
}

const (
	// slack is how much longer than usual tests may take before they are stopped.
	slack = 10
	// patience is how much longer they then may take once more before they count as hanging. While other programs have
	// the processors, the first time may be too short, and not only for a mutant.
	patience = 4
)

// try runs the tests that reach a mutant, a few at a time: first those that are likely to kill it, then the others, the
// fastest first.
func (s suite) try(ctx context.Context, m mutant, binary string, chosen int, likely map[string]bool) (verdict, string, error) {
	first, then := lo.FilterReject(s.reaching(m), func(t test, _ int) bool { return likely[t.name] })
	for _, some := range slices.Concat(portions(first), portions(then)) {
		out, err := s.runTests(ctx, binary, some, 1, chosen)
		if err != nil && timedOut(string(out)) {
			stopped := lo.Filter(some, func(t test, _ int) bool { return t.name == killerIn(string(out)) })
			out, err = s.runTests(ctx, binary, stopped, patience, chosen)
			if err == nil {
				out, err = s.runTests(ctx, binary, some, patience, chosen)
			}
		}
		if ctx.Err() != nil {
			return "", "", ctx.Err()
		}
		if err != nil {
			return killed, killerIn(string(out)), nil
		}
	}
	return survived, "", nil
}

func (s suite) runTests(ctx context.Context, binary string, some []test, factor time.Duration, chosen int) ([]byte, error) {
	limit := 5*time.Second + slack*lo.SumBy(some, func(t test) time.Duration { return t.took })
	names := lo.Map(some, func(t test, _ int) string { return t.name })
	return runTests(ctx, s.of, binary, names, factor*limit, chosen)
}

// portions divides tests, the fastest first, so that a process has something to do, and a slow test is run alone.
func portions(tests []test) [][]test {
	var all [][]test
	var sum time.Duration
	for _, t := range tests {
		if len(all) == 0 || sum+t.took > time.Second {
			all, sum = append(all, nil), 0
		}
		last := len(all) - 1
		all[last], sum = append(all[last], t), sum+t.took
	}
	return all
}
