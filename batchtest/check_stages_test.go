package batchtest

import (
	"context"
	"flag"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// The tools for stages that break laws.

type (
	ints   = batch.Stream[int]
	sent   = batch.Result[int]
	intsTo = batch.Stage[int, int]
)

// sending makes a stage that decides per Result what to send.
func sending(send func(r sent, yield func(sent) bool) bool) intsTo {
	return func(s ints) ints {
		return func(yield func(sent) bool) {
			for r := range s {
				if !send(r, yield) {
					return
				}
			}
		}
	}
}

// knowing makes a stage whose change of a Result may depend on the Results before it in the range.
func knowing(change func(before []sent, r sent) sent) intsTo {
	return func(s ints) ints {
		return func(yield func(sent) bool) {
			var before []sent
			for r := range s {
				if !yield(change(before, r)) {
					return
				}
				before = append(before, r)
			}
		}
	}
}

// changing makes a stage that changes each Result.
func changing(change func(sent) sent) intsTo {
	return knowing(func(_ []sent, r sent) sent { return change(r) })
}

// alongside makes a stage that calls f at the start of each range and changes nothing.
func alongside(f func()) intsTo {
	return func(s ints) ints {
		return func(yield func(sent) bool) {
			f()
			s(yield)
		}
	}
}

func then(r sent, f func(int) int) sent {
	return batch.Then(r, func(_ context.Context, v int) (int, error) { return f(v), nil })
}

func same(v int) int { return v }

func has(r sent, value int) bool {
	v, ok := r.Value()
	return ok && v == value
}

func isSettled(r sent) bool {
	_, ok := r.Value()
	return !ok && r.Err() == nil
}

// bad is a stage with the deed and the law that CheckStage reports. Numbers are written N.
type bad struct {
	stage     intsTo
	deed, law string
}

// drawAtLeast makes rapid draw that number of batches, so that a stage that breaks a law only in rare ones is surely found.
func drawAtLeast(t *testing.T, n int) {
	checks := flag.Lookup("rapid.checks").Value
	before := checks.String()
	if drawn, err := strconv.Atoi(before); err != nil || drawn >= n {
		return
	}
	t.Cleanup(func() { _ = checks.Set(before) })
	_ = checks.Set(strconv.Itoa(n))
}

var number = regexp.MustCompile(`\d+`)

func checkAll(t *testing.T, stages map[string]bad, opts ...CheckOption) {
	drawAtLeast(t, 400) // the rarest breaches are in a tenth of the batches
	for name, b := range stages {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			t.Chdir(t.TempDir()) // where rapid stores the batches that fail
			sentence, again, _ := strings.Cut(complaintAbout(t, rapid.IntRange(0, 9), b.stage, opts...), "\n")
			t.Log(sentence)
			deed, rest, _ := strings.Cut(strings.TrimPrefix(sentence, "the stage "), ", with the batch {")
			records, law, _ := strings.Cut(rest, ": "+b.law)
			is.Equal(number.ReplaceAllString(deed, "N"), b.deed)
			is.Equal(law, "")
			is.True(strings.Count(records, ";") <= 1) // the smallest batches have at most two records
			is.True(strings.HasPrefix(again, "To reproduce"))
		})
	}
}
