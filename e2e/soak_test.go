package e2e_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

var (
	soakMessages = flag.Int("messages", 1000, "how many messages the soak sends")
	soakSeed     = flag.Uint64("seed", 0, "what the soak draws from; 0 takes the time")
)

// The worker answers 225 ms before its timeout at the latest, and a message is
// visible again after that. An order fails once at most: only a run of kills
// could use up the receives of a good one.
const (
	soakVisibility  = time.Second
	soakTimeout     = 900 * time.Millisecond
	soakMaxReceives = 8
	soakStuck       = 3 * time.Second // the longest that a function is stuck
)

func TestSoakNothingIsLostAndNothingGrows(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-messages=%d -seed=%d", *soakMessages, seed)
	l := openLedger(t, nil)
	q := createQueue(t, mapping.NewSQS(startServers(t).SQS), queueConfig{maxReceives: soakMaxReceives, visibility: soakVisibility})
	orders := drawOrders(rand.New(rand.NewPCG(seed, 0)), *soakMessages)
	is.NoErr(q.send(t.Context(), orders))

	// One worker lives through it all and is watched, the others get killed.
	log := workerLog(t)
	worker := func() *sandbox.Sandbox {
		return open(t, sandbox.Config{Binary: binaries.worker, Env: []string{"LEDGER=" + l.URL(), "LANES=8"}, Log: log})
	}
	watched := &watched{Sandbox: worker()}
	var kills kills
	var sum tally
	stored := deletesOnlyWhatIsStored(t, l)
	begin := time.Now()
	q.drain(t, 4, func(i int) mapping.Queue {
		m := q.feeding(watched.Sandbox, soakTimeout)
		m.BatchSize = []int{10, 10, 30, 50}[i]
		m.Invoke = watched.invoke
		if i > 0 {
			m.Invoke = kills.during(worker(), rand.New(rand.NewPCG(seed, uint64(i))))
		}
		return m
	}, func(d mapping.Delivery) {
		stored(d)
		sum.add(d)
	})
	kills.wait.Wait()

	accountFor(t, orders, l, q.deadLetters(t))
	repeats := 0
	for _, n := range l.Counts(ledger.Store) {
		repeats += n - 1
	}
	t.Logf("%s, %d stored again, %s", sum, repeats, time.Since(begin).Round(time.Second))
	is.True(repeats <= sum.lost) // only what a batch had stored when its process went
	watched.isLevel(t)
}

// workerLog is a file for what the workers log: too much for the test's own.
func workerLog(t *testing.T) *os.File {
	t.Helper()
	log, err := os.Create(filepath.Join(t.ArtifactDir(), "worker.log"))
	is.New(t).NoErr(err)
	t.Cleanup(func() { _ = log.Close() })
	return log
}

// drawOrders draws what happens to each order: nine in ten are stored at once.
func drawOrders(draw *rand.Rand, n int) []order {
	orders := make([]order, n)
	for i := range orders {
		id := fmt.Sprintf("o-%d", i)
		switch p := draw.IntN(1000); {
		case p < 5:
			orders[i] = script(id, fmt.Sprintf("stuck:%dms", 1000+draw.IntN(int(soakStuck.Milliseconds())-1000)), "ok")
		case p < 10:
			orders[i] = script(id, "fail")
		case p < 15:
			orders[i] = script(id, "panic")
		case p < 55:
			orders[i] = script(id, []string{"fail", "dirty"}[draw.IntN(2)], "ok")
		case p < 80:
			orders[i] = script(id, "panic", "ok")
		case p < 85:
			orders[i] = script(id, "goexit", "ok")
		default:
			orders[i] = script(id, fmt.Sprintf("wait:%dms", draw.IntN(10)), "ok")
		}
	}
	return orders
}

// kills are the ends that the soak draws for its workers.
type kills struct{ wait sync.WaitGroup }

// during returns an Invoke that kills the process in the middle of one
// invocation in twelve, or a little later, and gives as many a deadline that is
// too short for any work.
func (k *kills) during(s *sandbox.Sandbox, draw *rand.Rand) mapping.Invoke {
	return func(payload []byte, timeout time.Duration) (sandbox.Outcome, error) {
		switch draw.IntN(12) {
		case 0:
			delay := time.Duration(draw.IntN(20)) * time.Millisecond
			k.wait.Go(func() {
				time.Sleep(delay)
				s.Kill()
			})
		case 1:
			timeout = time.Duration(1+draw.IntN(20)) * time.Millisecond
		}
		return s.Invoke(payload, timeout)
	}
}

// A tally counts what became of the deliveries.
type tally struct {
	ends     [4]int // by sandbox.End
	messages int
	lost     int // messages in invocations that never answered, or too late to delete
}

func (s *tally) add(d mapping.Delivery) {
	s.ends[d.Outcome.End]++
	s.messages += len(d.Messages)
	if d.Outcome.Header == nil || d.Took > soakVisibility {
		s.lost += len(d.Messages)
	}
}

func (s tally) String() string {
	return fmt.Sprintf("%d messages delivered; invocations: %d answered, %d failed, %d timed out, %d exited",
		s.messages, s.ends[sandbox.Answered], s.ends[sandbox.Failed], s.ends[sandbox.TimedOut], s.ends[sandbox.Exited])
}
