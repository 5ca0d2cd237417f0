package main

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/matryer/is"
)

func TestATallyNamesTheRarestPairOfStages(t *testing.T) {
	is := is.New(t)
	reached := tally{
		"map": 3, "tap": 2, "effect": 4, "effect panic": 1, "schedules": 5,
		"map > tap": 2, "map > effect": 3, "tap > effect": 2, "tap > map": 1, "map > map": 9, "tap > tap": 8,
	}
	got := reached.String()
	is.True(strings.Contains(got, "6 pairs of stages, each reached; the rarest, tap > map, 1 times\n"))
	is.True(strings.Contains(got, "effect      4      0      1     0      0     0\n"))
	is.True(strings.HasSuffix(got, "\nschedules: 5\n"))
}

func TestATallyNamesPairsThatWereNotReached(t *testing.T) {
	is := is.New(t)
	got := tally{"map > tap": 2, "map > map": 1, "tap > tap": 1}.String()
	is.True(strings.Contains(got, "3 pairs of stages; not reached: tap > map\n"))
}

func TestWorkInParallelIsDoneOnceAndReportedWithoutGaps(t *testing.T) {
	is := is.New(t)
	var mu sync.Mutex
	tried := make(map[int]int)
	reported := -1
	err := inParallel(t.Context(), 3, 50, func(_ context.Context, i int) error {
		mu.Lock()
		defer mu.Unlock()
		tried[i]++
		return nil
	}, func(done int) { reported = done })
	is.NoErr(err)
	is.Equal(reported, 47)
	is.Equal(len(tried), 47)
	for i, times := range tried {
		is.True(i >= 3 && i < 50)
		is.Equal(times, 1)
	}
}

func TestWorkInParallelStopsAtTheFirstErrorAndSaysWhereToContinue(t *testing.T) {
	is := is.New(t)
	broken := errors.New("slice 5")
	reported := -1
	err := inParallel(t.Context(), 0, 1_000_000, func(_ context.Context, i int) error {
		if i == 5 {
			return broken
		}
		return nil
	}, func(done int) { reported = done })
	is.Equal(err, broken)
	is.Equal(reported, 5) // whatever came after 5
}

func TestWorkInParallelIsEndedByAnErrorAndByItsContext(t *testing.T) {
	is := is.New(t)
	broken := errors.New("slice 1")
	ctx, interrupt := context.WithCancel(t.Context())
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	report := func(done int) { is.Equal(done, 1) }
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	is.Equal(inParallel(ctx, 0, 3, func(ctx context.Context, i int) error {
		switch i {
		case 0:
			return nil
		case 1:
			return broken
		}
		return wait(ctx)
	}, report), broken)
	is.Equal(inParallel(ctx, 0, 3, func(ctx context.Context, i int) error {
		if i > 0 {
			interrupt()
			return wait(ctx)
		}
		return nil
	}, report), context.Canceled)
}

func TestAFailureIsShownWithoutWhatItDrew(t *testing.T) {
	is := is.New(t)
	out := "--- FAIL\n    [rapid] draw steps: 3\n    To reproduce, specify -rapid.seed=7\n"
	is.Equal(withoutDraws(out), "--- FAIL\n    To reproduce, specify -rapid.seed=7\n")
}

func TestWrongArgumentsAreErrors(t *testing.T) {
	is := is.New(t)
	for _, args := range [][]string{nil, {"everything"}, {"fuzz", "-n", "many"}} {
		is.True(run(t.Context(), args) != nil)
	}
}

func TestAProgramThatIsHaltedComesToItsEnd(t *testing.T) {
	is := is.New(t)
	out, err := outputOf(exec.Command("sh", "-c", "for i in 1 2; do sleep 0.1; echo $i; done; exit 3"), true)
	is.Equal(out, "1\n2\n")
	is.True(err != nil)
}

func TestAProgramThatIsHaltedEndsWithItsContext(t *testing.T) {
	is := is.New(t)
	ctx, stop := context.WithCancel(t.Context())
	program := exec.CommandContext(ctx, "sh", "-c", "sleep 600")
	time.AfterFunc(10*time.Millisecond, stop)
	begun := time.Now()
	_, err := outputOf(program, true)
	is.True(err != nil)
	is.True(time.Since(begun) < time.Minute)
}
