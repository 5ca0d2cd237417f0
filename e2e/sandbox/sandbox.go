// Package sandbox runs the binary of a Lambda function as the service does: as a process
// that polls a runtime API. The process is frozen between invocations, killed at its
// deadline, and started again after it has ended.
package sandbox

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// A Config describes the function to run.
type Config struct {
	Binary string
	Env    []string
	ARN    string // of the function; if empty, a made-up one
	Trace  string // the X-Ray header; if empty, that of a function without active tracing

	// Concurrency above 1 makes it a Managed Instance: one process runs so many
	// invocations at once, is never frozen, and is not killed at a deadline.
	Concurrency int

	Log io.Writer // receives the process's standard output and error
}

// End is how an invocation ended.
type End int

// The ways an invocation ends.
const (
	Responded End = iota // posted to the response path
	Failed               // posted to the error path
	TimedOut             // killed at the deadline; its results are lost
	Exited               // the process ended without a post
)

func (e End) String() string {
	return [...]string{"responded", "failed", "timed out", "exited"}[e]
}

// An Outcome is what the service knows about an invocation that is over.
type Outcome struct {
	End    End
	Body   []byte      // the response if Responded, the error's JSON if Failed
	Header http.Header // of the post that brought Body
	PID    int         // of the process that ran the invocation
}

// A Sandbox is one execution environment. It runs one process at a time. The first
// invocation starts it, and so does each one that finds the process ended.
type Sandbox struct {
	config Config

	mu      sync.Mutex
	process *process
	starts  int
}

// New returns a sandbox without a process.
func New(config Config) *Sandbox {
	if config.ARN == "" {
		config.ARN = "arn:aws:lambda:us-east-1:123456789012:function:e2e"
	}
	if config.Trace == "" {
		config.Trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"
	}
	if config.Concurrency < 1 {
		config.Concurrency = 1
	}
	if config.Log == nil {
		config.Log = io.Discard
	}
	return &Sandbox{config: config}
}

// Invoke passes payload to the function and waits until the invocation is over. The
// deadline is timeout after the function took the payload. Invoke returns an error only if
// the process could not be started, or ended by itself before it asked for an invocation.
func (s *Sandbox) Invoke(payload []byte, timeout time.Duration) (Outcome, error) {
	for {
		p, err := s.running()
		if err != nil {
			return Outcome{}, err
		}
		invocation := newInvocation(payload, timeout, s.config)
		select {
		case p.pending <- invocation:
			return p.outcome(invocation), nil
		case <-p.exited:
			switch {
			case p.polled.Load(): // it ended between two invocations
			case p.killed():
				return Outcome{End: Exited, PID: p.command.Process.Pid}, nil
			default:
				return Outcome{}, p.initFailure()
			}
		}
	}
}

// running returns the live process, and starts one if there is none.
func (s *Sandbox) running() (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil && !s.process.hasExited() {
		return s.process, nil
	}
	p, err := start(s.config)
	if err != nil {
		return nil, err
	}
	s.process = p
	s.starts++
	return p, nil
}

// Kill kills the process and waits until it has ended.
func (s *Sandbox) Kill() {
	s.mu.Lock()
	p := s.process
	s.mu.Unlock()
	if p != nil {
		p.kill()
	}
}

// Starts counts the processes started so far.
func (s *Sandbox) Starts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.starts
}
