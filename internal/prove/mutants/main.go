// Command mutants measures how much of the code the tests check. It changes the code in one place at a time, a
// mutant, and runs the tests that reach the place. If one of them fails, the mutant is killed. If none does, it
// survives: either a test is missing, or the code there is needless, or the change makes no difference.
//
//	go run ./internal/prove/mutants ./internal/order ./internal/ledger
//	go run ./internal/prove/mutants -sample 150 .
//
// The work tree is not touched. The verdicts are kept in a file, and the next run judges only what is new: mutants of
// functions that have changed, and survivors if the tests have changed. Mutants that behave like the original are listed
// in equivalent.txt, with reasons, and do not count.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

type settings struct {
	results    string
	equivalent string
	file       string
	sample     int
	seed       uint64
	workers    int
	then       string
	race       bool
	list       bool
}

func run(ctx context.Context) error {
	var s settings
	flag.StringVar(&s.results, "results", defaultResults(), "the `file` that keeps the verdicts")
	flag.StringVar(&s.equivalent, "equivalent", "internal/prove/mutants/equivalent.txt", "the `file` that lists equivalent mutants")
	flag.StringVar(&s.file, "file", "*", "judge only mutants in files whose names match one of the `patterns`, such as parallel*.go,route.go")
	flag.IntVar(&s.sample, "sample", 0, "judge only `n` mutants of each package; 0 means all")
	flag.Uint64Var(&s.seed, "seed", 1, "which sample is drawn")
	flag.IntVar(&s.workers, "workers", 2, "how many mutants are judged at once")
	flag.StringVar(&s.then, "then", "", "the `package` whose tests are tried on what survives its own, such as . for the laws")
	flag.BoolVar(&s.race, "race", false, "try what survives with the race detector, which finds missing locks")
	flag.BoolVar(&s.list, "list", false, "list the mutants instead of judging them")
	flag.Parse()

	equivalents, err := readEquivalents(s.equivalent)
	if err != nil {
		return err
	}
	packages, err := load(ctx, flag.Args()...)
	if err != nil {
		return err
	}
	kept, err := openResults(s.results)
	if err != nil {
		return err
	}
	defer kept.close()
	var scores []score
	for _, p := range packages {
		scored, err := judgePackage(ctx, s, p, equivalents, kept)
		if err != nil {
			return fmt.Errorf("%s: %w", p.ImportPath, err)
		}
		scores = append(scores, scored)
	}
	if s.list {
		return nil
	}
	printScores(os.Stdout, scores)
	return nil
}

func defaultResults() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "batch-mutants.jsonl")
}
