package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A function must ask for its first invocation within ten seconds, as in the service.
const initLimit = 10 * time.Second

var errNeverPolled = errors.New("the process ended before it asked for an invocation")

// A process is one run of the binary. It has its own runtime API, so nothing that a run
// sends can reach the next run.
type process struct {
	command  *exec.Cmd
	api      *http.Server
	freezes  bool // it is stopped between invocations, and killed at deadlines
	pending  chan *invocation
	exited   chan struct{} // closed when the process has ended
	polled   atomic.Bool
	initDone *time.Timer

	mu        sync.Mutex
	running   map[string]*invocation
	initError []byte
}

func start(config Config) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{
		command: exec.Command(config.Binary),
		freezes: config.Concurrency == 1,
		pending: make(chan *invocation),
		exited:  make(chan struct{}),
		running: map[string]*invocation{},
	}
	p.api = &http.Server{Handler: p.routes()}
	p.command.Env = append(environment(listener.Addr().String(), config.Concurrency), config.Env...)
	p.command.Stdout, p.command.Stderr = config.Log, config.Log
	killWithParent(p.command)
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	p.initDone = time.AfterFunc(initLimit, p.signalKill)

	var served sync.WaitGroup
	served.Go(func() { _ = p.api.Serve(listener) })
	go func() {
		_ = p.command.Wait()
		p.initDone.Stop()
		_ = p.api.Close()
		served.Wait()
		close(p.exited)
	}()
	return p, nil
}

func environment(api string, concurrency int) []string {
	env := []string{
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=e2e",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_REGION=us-east-1",
		"TZ=:UTC",
	}
	if concurrency > 1 {
		env = append(env, "AWS_LAMBDA_MAX_CONCURRENCY="+strconv.Itoa(concurrency))
	}
	return env
}

// outcome waits until an invocation that the function has taken is over.
func (p *process) outcome(i *invocation) Outcome {
	var late <-chan time.Time
	if p.freezes {
		timer := time.NewTimer(i.timeout)
		defer timer.Stop()
		late = timer.C
	}
	end := Exited
	select {
	case <-i.done:
	case <-p.exited:
	case <-late:
		end = TimedOut
	}
	p.mu.Lock()
	delete(p.running, i.id) // from now on, finish refuses its response
	if i.header != nil {
		end = i.end
	}
	p.mu.Unlock()
	if end == TimedOut {
		p.kill()
	}
	return Outcome{End: end, Body: i.body, Header: i.header, PID: p.command.Process.Pid}
}

func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (p *process) kill() {
	p.signalKill()
	<-p.exited
}

func (p *process) signalKill() { _ = p.command.Process.Kill() }

func (p *process) freeze() {
	if p.freezes {
		_ = p.command.Process.Signal(syscall.SIGSTOP)
	}
}

func (p *process) thaw() {
	if p.freezes {
		_ = p.command.Process.Signal(syscall.SIGCONT)
	}
}

// killed reports whether a signal ended the process. The process must have ended.
func (p *process) killed() bool {
	status, ok := p.command.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled()
}

func (p *process) initFailure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%w: %s: %s", errNeverPolled, p.command.ProcessState, p.initError)
}
