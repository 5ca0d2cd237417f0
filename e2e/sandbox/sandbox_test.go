package sandbox_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
)

// plain is the path of the binary of functions/plain.
var plain string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sandbox")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if plain, err = sandbox.Build(dir, "github.com/lambdabatch/batch/e2e/functions/plain"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func open(t *testing.T, config sandbox.Config) *sandbox.Sandbox {
	t.Helper()
	config.Binary, config.Log = plain, t.Output()
	s := sandbox.New(config)
	t.Cleanup(s.Kill)
	return s
}

func invoke(t *testing.T, s *sandbox.Sandbox, payload string, timeout time.Duration) sandbox.Outcome {
	t.Helper()
	out, err := s.Invoke([]byte(payload), timeout)
	is.NewRelaxed(t).NoErr(err)
	return out
}

func TestAResponseIsReturnedByteForByte(t *testing.T) {
	is := is.New(t)
	out := invoke(t, open(t, sandbox.Config{}), `{"Text":"a\u0000<b>"}`, time.Minute)
	is.Equal(out.End, sandbox.Responded)
	is.Equal(string(out.Body), `"a\u0000<b>"`)
}

func TestTheContextCarriesTheHeadersOfTheRuntimeAPI(t *testing.T) {
	is := is.New(t)
	out := invoke(t, open(t, sandbox.Config{ARN: "arn:aws:lambda:us-east-1:1:function:f"}), `{"Do":"context"}`, time.Minute)
	var got struct{ ARN, RequestID, Left string }
	is.NoErr(json.Unmarshal(out.Body, &got))
	is.Equal(got.ARN, "arn:aws:lambda:us-east-1:1:function:f")
	is.Equal(len(got.RequestID), 26)
	is.Equal(got.Left, "1m0s")
}

func TestAnErrorIsReturnedWithItsCauseAndTheProcessSurvives(t *testing.T) {
	is := is.New(t)
	s := open(t, sandbox.Config{})
	failed := invoke(t, s, `{"Do":"fail","Text":"no stock"}`, time.Minute)
	is.Equal(failed.End, sandbox.Failed)
	is.Equal(string(failed.Body), `{"errorMessage":"no stock","errorType":"errorString"}`)
	is.True(strings.Contains(failed.Header.Get("Lambda-Runtime-Function-Xray-Error-Cause"), "no stock"))

	next := invoke(t, s, `{"Text":"next"}`, time.Minute)
	is.Equal(next.PID, failed.PID)
}

func TestAPanicIsReportedAndTheNextInvocationGetsANewProcess(t *testing.T) {
	is := is.New(t)
	s := open(t, sandbox.Config{})
	panicked := invoke(t, s, `{"Do":"panic","Text":"no"}`, time.Minute)
	is.Equal(panicked.End, sandbox.Failed)

	next := invoke(t, s, `{"Text":"next"}`, time.Minute)
	is.Equal(next.End, sandbox.Responded)
	is.True(next.PID != panicked.PID)
	is.Equal(s.Starts(), 2)
}

func TestAProcessThatExitsEndsItsInvocation(t *testing.T) {
	is := is.New(t)
	is.Equal(invoke(t, open(t, sandbox.Config{}), `{"Do":"exit"}`, time.Minute).End, sandbox.Exited)
}

func TestADELInAnErrorsTextEndsTheProcessWithoutAReport(t *testing.T) {
	is := is.New(t)
	out := invoke(t, open(t, sandbox.Config{}), `{"Do":"fail","Text":"\u007f"}`, time.Minute)
	is.Equal(out.End, sandbox.Exited) // the HTTP client of the function refuses the header
}

func TestAtItsDeadlineAProcessIsKilledAndReplaced(t *testing.T) {
	is := is.New(t)
	s := open(t, sandbox.Config{})
	late := invoke(t, s, `{"Do":"sleep","For":"1m"}`, 50*time.Millisecond)
	is.Equal(late.End, sandbox.TimedOut)
	is.Equal(syscall.Kill(late.PID, 0), syscall.ESRCH) // the process has ended

	is.Equal(invoke(t, s, `{"Text":"next"}`, time.Minute).End, sandbox.Responded)
}

func TestAKilledProcessEndsItsInvocation(t *testing.T) {
	is := is.New(t)
	s := open(t, sandbox.Config{})
	invoke(t, s, `{}`, time.Minute)
	var wait sync.WaitGroup
	wait.Go(s.Kill)
	out := invoke(t, s, `{"Do":"sleep","For":"1s"}`, time.Minute)
	wait.Wait()
	is.True(out.End == sandbox.Exited || out.End == sandbox.Responded) // Responded if it was killed before it took the payload: the next process responds
	is.Equal(invoke(t, s, `{}`, time.Minute).End, sandbox.Responded)
}

func TestBetweenInvocationsAProcessIsFrozen(t *testing.T) {
	is := is.New(t)
	s := open(t, sandbox.Config{})
	file := filepath.Join(t.TempDir(), "written")
	first := invoke(t, s, fmt.Sprintf(`{"Do":"later","Text":%q}`, file), time.Minute)
	awaitState(t, first.PID, 'T')
	time.Sleep(2 * time.Second) // long enough for a process that is not frozen to write the file
	_, err := os.Stat(file)
	is.True(os.IsNotExist(err))

	invoke(t, s, `{"Do":"sleep","For":"1s"}`, time.Minute) // the process is thawed, and goes on
	_, err = os.Stat(file)
	is.NoErr(err)
}

// awaitState waits until /proc shows the state of the process as this letter.
func awaitState(t *testing.T, pid int, state byte) {
	t.Helper()
	for range 1000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		is.New(t).NoErr(err)
		if _, after, ok := strings.Cut(string(stat), ") "); ok && after[0] == state {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("process %d never reached state %c", pid, state)
}

func TestAProcessWithConcurrencyHasSeveralInvocationsAtOnce(t *testing.T) {
	is := is.New(t)
	s := open(t, sandbox.Config{Concurrency: 4})
	begin := time.Now()
	pids := make([]int, 4)
	var wait sync.WaitGroup
	for i := range pids {
		wait.Go(func() { pids[i] = invoke(t, s, `{"Do":"sleep","For":"3s"}`, 10*time.Millisecond).PID })
	}
	wait.Wait()
	is.True(time.Since(begin) < 9*time.Second) // one after another, they would take 12 s
	is.Equal(pids, []int{pids[0], pids[0], pids[0], pids[0]})
}

func TestAProcessThatCannotStartIsAnError(t *testing.T) {
	is := is.New(t)
	_, err := open(t, sandbox.Config{Env: []string{"BROKEN=1"}}).Invoke([]byte(`{}`), time.Minute)
	is.True(err != nil)
	is.True(strings.Contains(err.Error(), "exit status 3"))
}

func TestMemoryIsReadFromTheKernel(t *testing.T) {
	is := is.New(t)
	out := invoke(t, open(t, sandbox.Config{}), `{}`, time.Minute)
	bytes, err := sandbox.Memory(out.PID)
	is.NoErr(err)
	is.True(bytes > 1<<20 && bytes < 1<<30)
}
