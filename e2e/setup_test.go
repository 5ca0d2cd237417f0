// Package e2e_test runs the library as it runs in Lambda: in a binary that polls a runtime
// API and is fed from real servers.
package e2e_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/lambdabatch/batch" // the binaries contain it, so a change must invalidate cached test results
	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/lambdabatch/batch/e2e/servers"
	"github.com/matryer/is"
)

// The times of tests in which functions are stuck or killed. A function responds some 750 ms before the end of its
// timeout, so that a machine that is busy does not make it late. A message becomes visible again after that, and one
// that is stuck returns after that, too.
const (
	shortTimeout = 5 * time.Second
	visibleAgain = 7 * time.Second
	stuckOnce    = "stuck:6s"
)

// binaries are built once, before the first test.
var binaries struct{ worker, orders, traced string }

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e")
	if err == nil {
		defer os.RemoveAll(dir)
		err = errors.Join(build(dir), servers.Install("servers"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", "8") // most of the time, the tests wait
	}
	code := m.Run()
	if left := childProcesses(); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "processes left behind:", left)
		return 1
	}
	return code
}

func build(dir string) (err error) {
	if binaries.worker, err = sandbox.Build(dir, "github.com/lambdabatch/batch/e2e/functions/worker"); err != nil {
		return err
	}
	if binaries.traced, err = sandbox.Build(dir, "github.com/lambdabatch/batch/e2e/functions/traced"); err != nil {
		return err
	}
	binaries.orders, err = sandbox.Build(dir, "github.com/lambdabatch/batch/examples/orders")
	return err
}

// childProcesses lists the processes that this one started and that still run. Without
// /proc, it finds none.
func childProcesses() []string {
	var found []string
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			found = append(found, string(stat))
		}
	}
	return found
}

func startServers(t *testing.T) *servers.Servers {
	t.Helper()
	s, err := servers.Start("servers", t.Output())
	is.New(t).NoErr(err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error("close servers:", err)
		}
	})
	return s
}

func openLedger(t *testing.T, after func(ledger.Entry)) *ledger.Ledger {
	t.Helper()
	l := ledger.Open(after)
	t.Cleanup(l.Close)
	return l
}

// openWorker returns a sandbox for the worker, with env added to its environment.
func openWorker(t *testing.T, l *ledger.Ledger, env ...string) *sandbox.Sandbox {
	t.Helper()
	return open(t, sandbox.Config{Binary: binaries.worker, Env: append(env, "LEDGER="+l.URL()), Log: t.Output()})
}

// openWorkerKilledAt returns a worker and its ledger. The worker is killed when it writes
// that entry for the first time, before it receives the ledger's response.
func openWorkerKilledAt(t *testing.T, at ledger.Entry, env ...string) (*sandbox.Sandbox, *ledger.Ledger) {
	t.Helper()
	var s *sandbox.Sandbox
	var killed atomic.Bool
	l := openLedger(t, func(e ledger.Entry) {
		if e == at && killed.CompareAndSwap(false, true) {
			s.Kill()
		}
	})
	s = openWorker(t, l, env...)
	return s, l
}

func open(t *testing.T, config sandbox.Config) *sandbox.Sandbox {
	t.Helper()
	s := sandbox.New(config)
	t.Cleanup(s.Kill)
	return s
}

// invoke fails the test if the function cannot be started, and returns the zero Outcome.
// It may be called from any goroutine.
func invoke(t *testing.T, s *sandbox.Sandbox, payload []byte, timeout time.Duration) sandbox.Outcome {
	t.Helper()
	out, err := s.Invoke(payload, timeout)
	is.NewRelaxed(t).NoErr(err)
	return out
}
