package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

// A sample is what a process held at one moment.
type sample struct {
	invocations int
	Goroutines  int
	Heap        int // bytes, after a collection
	resident    int // bytes
}

func (s sample) String() string {
	return fmt.Sprintf("after %4d invocations: %2d goroutines, heap %d KB, resident %d KB",
		s.invocations, s.Goroutines, s.Heap>>10, s.resident>>10)
}

// watchStep is how many invocations lie between two samples.
const watchStep = 5

// watched is a sandbox whose process is looked at every watchStep invocations.
type watched struct {
	*sandbox.Sandbox
	invocations int
	samples     []sample
}

func (w *watched) invoke(payload []byte, timeout time.Duration) (sandbox.Outcome, error) {
	out, err := w.Invoke(payload, timeout)
	if err != nil {
		return out, err
	}
	if w.invocations++; w.invocations%watchStep == 0 {
		var s sample
		s, err = w.look()
		w.samples = append(w.samples, s)
	}
	return out, err
}

func (w *watched) look() (sample, error) {
	s := sample{invocations: w.invocations}
	out, err := w.Invoke([]byte(`"observe"`), time.Minute)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(out.Body, &s); err != nil {
		return s, err
	}
	s.resident, err = sandbox.Memory(out.PID)
	return s, err
}

// isLevel fails the test if the process held more later on than in the first
// tenth of its life, or goroutines when all that were stuck have come back.
func (w *watched) isLevel(t *testing.T) {
	t.Helper()
	is := is.New(t)
	is.Equal(w.Starts(), 1)
	n := len(w.samples)
	is.True(n > 0)
	most, fewest := sample{}, w.samples[0].Goroutines
	for _, s := range w.samples[:max(1, n/10)] {
		most.Heap, most.resident = max(most.Heap, s.Heap), max(most.resident, s.resident)
		fewest = min(fewest, s.Goroutines)
	}
	for i, s := range w.samples {
		is.True(s.Heap < most.Heap+256<<10)
		is.True(s.resident < most.resident+4<<20)
		if i%max(1, n/10) == 0 {
			t.Log(s)
		}
	}
	fewest += 2 // a connection may have come, which has two
	last, err := w.settled(fewest)
	is.NoErr(err)
	t.Log(last)
	is.True(last.Goroutines <= fewest)
}

// settled looks until no more goroutines than that are left, for longer than
// the soak has a function stuck. Those go on only while somebody looks: a
// process between invocations is frozen.
func (w *watched) settled(goroutines int) (s sample, err error) {
	for begin := time.Now(); time.Since(begin) < 2*soakStuck; time.Sleep(soakStuck / 10) {
		if s, err = w.look(); err != nil || s.Goroutines <= goroutines {
			return s, err
		}
	}
	return s, nil
}
