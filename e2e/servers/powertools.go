package servers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Powertools is a process with a function that Powertools for AWS Lambda (TypeScript) makes
// idempotent.
type Powertools struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	lines   *json.Encoder

	mu      sync.Mutex
	calls   int
	waiting map[int]chan Reply
	failure error
}

// A Call is one call of the function.
type Call struct {
	Call      int  `json:"call"` // its number, set by Start
	Order     any  `json:"order"`
	Remaining int  `json:"remaining"` // milliseconds until the function's deadline
	Fails     bool `json:"fails"`     // the function fails
	Held      bool `json:"held"`      // the function waits until End
	Validates bool `json:"validates"` // totals are compared
}

// A Reply says that a held call has started, or is the outcome of a call.
type Reply struct {
	Call    int             `json:"call"`
	Started bool            `json:"started"`
	Called  bool            `json:"called"` // the function itself was called, not only the wrapper
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"` // the name of the error
	Message string          `json:"message"`
}

// StartPowertools starts the process. It uses a table of the DynamoDB server.
func StartPowertools(dir string, log io.Writer, function, dynamoDB, table string) (*Powertools, error) {
	p := &Powertools{command: exec.Command("node", "powertools.mjs", dynamoDB, table), waiting: map[int]chan Reply{}}
	p.command.Dir, p.command.Stderr = dir, log
	p.command.Env = append(os.Environ(), "AWS_LAMBDA_FUNCTION_NAME="+function)
	var err error
	if p.stdin, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.lines = json.NewEncoder(p.stdin)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go p.read(stdout)
	return p, nil
}

func (p *Powertools) read(stdout io.Reader) {
	replies := json.NewDecoder(stdout)
	for {
		var a Reply
		err := replies.Decode(&a)
		p.mu.Lock()
		if err != nil {
			p.failure = fmt.Errorf("powertools.mjs has ended: %w", err)
			for _, reply := range p.waiting {
				close(reply)
			}
			p.mu.Unlock()
			return
		}
		reply := p.waiting[a.Call]
		p.mu.Unlock()
		reply <- a
	}
}

// A PendingCall is a call that has been sent.
type PendingCall struct {
	p       *Powertools
	call    int
	replies chan Reply
}

// Start sends a call.
func (p *Powertools) Start(c Call) (PendingCall, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return PendingCall{}, p.failure
	}
	p.calls++
	c.Call = p.calls
	r := PendingCall{p, c.Call, make(chan Reply, 2)}
	p.waiting[c.Call] = r.replies
	return r, p.lines.Encode(c)
}

// Reply waits for the next reply.
func (r PendingCall) Reply() (Reply, error) {
	a, ok := <-r.replies
	if !ok {
		return a, r.p.failure
	}
	return a, nil
}

// End ends the wait of a held call.
func (r PendingCall) End() error {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	return r.p.lines.Encode(map[string]int{"end": r.call})
}

// Close ends the process and waits until it has exited.
func (p *Powertools) Close() error {
	return errors.Join(p.stdin.Close(), p.command.Wait())
}
