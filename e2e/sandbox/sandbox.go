// Package sandbox runs a Lambda function's binary the way the service does: as
// a process that polls a runtime API, is frozen between invocations, killed at
// its deadline, and started again when it has gone.
package sandbox

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// A Config says what to run.
type Config struct {
	Binary string
	Env    []string
	ARN    string // the function's; a made-up one if empty
	Trace  string // the header of X-Ray; that of a function without active tracing if empty

	// Concurrency above 1 is a Managed Instance: so many invocations at once in
	// one process, which is never frozen and whose deadline nobody enforces.
	Concurrency int

	Log io.Writer // takes the process's standard output and error
}

// End tells how an invocation ended.
type End int

// The ways an invocation ends.
const (
	Answered End = iota // posted to the response path
	Failed              // posted to the error path
	TimedOut            // killed at the deadline; whatever it had done is lost
	Exited              // the process went away without a word
)

func (e End) String() string {
	return [...]string{"answered", "failed", "timed out", "exited"}[e]
}

// An Outcome is what the service knows of an invocation when it is over.
type Outcome struct {
	End    End
	Body   []byte      // the response if Answered, the error's JSON if Failed
	Header http.Header // of the post that brought Body
	PID    int         // the process that had the invocation
}

// A Sandbox is one execution environment: one process at a time, started by
// the first invocation and after each end of the one before.
type Sandbox struct {
	config Config

	mu      sync.Mutex
	process *process
	starts  int
}

// New returns a sandbox in which nothing runs yet.
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

// Invoke hands payload to the function and waits until the invocation is over.
// The deadline is timeout after the function took the payload. The error is
// about starting the process: it could not be started, or it ended by itself
// before it asked for work.
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
			case p.polled.Load(): // it went between two invocations
			case p.killed():
				return Outcome{End: Exited, PID: p.command.Process.Pid}, nil
			default:
				return Outcome{}, p.initFailure()
			}
		}
	}
}

// running returns the live process, which it starts if there is none.
func (s *Sandbox) running() (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil && !s.process.gone() {
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

// Kill ends the process at once, whatever it is doing, and returns when it has gone.
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
