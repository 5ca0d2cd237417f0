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
	soakMessages = flag.Int("messages", 1000, "how many messages the soak test sends")
	soakSeed     = flag.Uint64("seed", 0, "the seed of the soak test; 0 means the current time")
)

// The worker responds 450 ms before its timeout at the latest, and messages become
// visible again later than that. A good order fails once at most, so only a run of kills
// could use up its receives.
const (
	soakVisibility  = 5 * time.Second
	soakTimeout     = 3 * time.Second
	soakMaxReceives = 9
	soakMinStuck    = 3 * time.Second
	soakMaxStuck    = 6 * time.Second
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

	// One worker is never killed, and its memory is watched. The others are killed at random.
	log := workerLog(t)
	worker := func() *sandbox.Sandbox {
		return open(t, sandbox.Config{Binary: binaries.worker, Env: []string{"LEDGER=" + l.URL(), "LANES=8"}, Log: log})
	}
	watched := &watchedSandbox{Sandbox: worker()}
	var kills randomKills
	var sum tally
	stored := checkDeletesOnlyStored(t, l)
	begin := time.Now()
	q.drain(t, 4, func(i int) mapping.Queue {
		m := q.mappingTo(watched.Sandbox, soakTimeout)
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
	is.True(repeats <= sum.lost) // only batches whose invocation was lost are stored again
	watched.checkLevel(t)
}

// workerLog creates a file for the logs of the workers, which are too long for the test's own.
func workerLog(t *testing.T) *os.File {
	t.Helper()
	log, err := os.Create(filepath.Join(t.ArtifactDir(), "worker.log"))
	is.New(t).NoErr(err)
	t.Cleanup(func() { _ = log.Close() })
	return log
}

// drawOrders draws the script of each order. Nine in ten are stored at once.
func drawOrders(draw *rand.Rand, n int) []order {
	orders := make([]order, n)
	for i := range orders {
		id := fmt.Sprintf("o-%d", i)
		switch p := draw.IntN(1000); {
		case p < 5:
			stuck := soakMinStuck + time.Duration(draw.Int64N(int64(soakMaxStuck-soakMinStuck)))
			orders[i] = script(id, fmt.Sprintf("stuck:%dms", stuck.Milliseconds()), "ok")
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

// randomKills ends invocations of the workers at random.
type randomKills struct{ wait sync.WaitGroup }

// during returns an Invoke that kills the process during one invocation in twelve, or
// shortly after it. As many invocations have a deadline too short for any work.
func (k *randomKills) during(s *sandbox.Sandbox, draw *rand.Rand) mapping.Invoke {
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

// A tally counts the deliveries by their outcome.
type tally struct {
	ends     [4]int // by sandbox.End
	messages int
	lost     int // messages of invocations that did not respond, or responded too late to delete them
}

func (s *tally) add(d mapping.Delivery) {
	s.ends[d.Outcome.End]++
	s.messages += len(d.Messages)
	if d.Outcome.Header == nil || d.Took > soakVisibility {
		s.lost += len(d.Messages)
	}
}

func (s tally) String() string {
	return fmt.Sprintf("%d messages delivered; invocations: %d responded, %d failed, %d timed out, %d exited",
		s.messages, s.ends[sandbox.Responded], s.ends[sandbox.Failed], s.ends[sandbox.TimedOut], s.ends[sandbox.Exited])
}
