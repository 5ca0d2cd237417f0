package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

// A sample is the memory and the goroutines of a process at one moment.
type sample struct {
	invocations int
	Goroutines  int
	Heap        int // bytes, after garbage collection
	resident    int // bytes
}

func (s sample) String() string {
	return fmt.Sprintf("after %4d invocations: %2d goroutines, heap %d KB, resident %d KB",
		s.invocations, s.Goroutines, s.Heap>>10, s.resident>>10)
}

// watchStep is the number of invocations between two samples.
const watchStep = 5

// A watchedSandbox takes a sample of its process every watchStep invocations.
type watchedSandbox struct {
	*sandbox.Sandbox
	invocations int
	samples     []sample
}

func (w *watchedSandbox) invoke(payload []byte, timeout time.Duration) (sandbox.Outcome, error) {
	out, err := w.Invoke(payload, timeout)
	if err != nil {
		return out, err
	}
	if w.invocations++; w.invocations%watchStep == 0 {
		var s sample
		s, err = w.takeSample()
		w.samples = append(w.samples, s)
	}
	return out, err
}

func (w *watchedSandbox) takeSample() (sample, error) {
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

// checkLevel fails the test if the process has used more memory than in the first tenth of
// its invocations, or has more goroutines once all stuck functions have returned.
func (w *watchedSandbox) checkLevel(t *testing.T) {
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
	fewest += 2 // allows one more connection, which has two goroutines
	last, err := w.awaitGoroutines(fewest)
	is.NoErr(err)
	t.Log(last)
	is.True(last.Goroutines <= fewest)
}

// awaitGoroutines takes samples until the process has no more goroutines than that, but not
// much longer than a function can be stuck. Sampling lets stuck functions go on: between
// invocations, the process is frozen.
func (w *watchedSandbox) awaitGoroutines(goroutines int) (s sample, err error) {
	for begin := time.Now(); time.Since(begin) < 2*soakMaxStuck; time.Sleep(soakMaxStuck / 10) {
		if s, err = w.takeSample(); err != nil || s.Goroutines <= goroutines {
			return s, err
		}
	}
	return s, nil
}
