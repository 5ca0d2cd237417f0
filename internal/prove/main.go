// Prove runs the tests of this repository much longer than go test does, and prints what they have tried. Run it in the
// root of a checkout:
//
//	go run ./internal/prove schedules            # 1,000,000 drawn schedules, redeliveries to the end
//	go run ./internal/prove fuzz                 # 100,000,000 payloads for the readers of events
//	go run ./internal/prove flaky                # every test 200 times, under load and with 1, 2 and 8 processors
//	go run ./internal/prove yields               # 10,000 cases of each property, with goroutines that yield at random
//
// -n sets how much is tried. Each command prints how to continue where it stopped: with -from and -n. It ends with status 1 if
// anything fails, or if it is interrupted.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// A proof is one kind of long test.
type proof struct {
	about string
	n     int                                          // how much to try by default
	run   func(ctx context.Context, from, n int) error // from and n are in the unit of n
}

var proofs = map[string]proof{
	"schedules": {"drawn schedules", 1_000_000, schedules},
	"fuzz":      {"payloads", 100_000_000, fuzz},
	"flaky":     {"runs of every test", 200, flaky},
	"yields":    {"cases of each property with yields at random", 10_000, yields},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || proofs[args[0]].run == nil {
		return fmt.Errorf("usage: go run ./internal/prove schedules|fuzz|flaky|yields [-n number] [-from number]")
	}
	p := proofs[args[0]]
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	n := flags.Int("n", p.n, "how many "+p.about)
	from := flags.Int("from", 0, "how many "+p.about+" to skip")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	begun := time.Now()
	if err := p.run(ctx, *from, *n); err != nil {
		return err
	}
	fmt.Printf("%d %s, none failed, in %v\n", *n, p.about, time.Since(begun).Round(time.Second))
	return nil
}
