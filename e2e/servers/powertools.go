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

// Powertools is a function that Powertools for AWS Lambda (TypeScript) makes idempotent, in a process of its own.
type Powertools struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	lines   *json.Encoder

	mu      sync.Mutex
	calls   int
	waiting map[int]chan Answer
	failure error
}

// A Call is one call of the function.
type Call struct {
	Call      int  `json:"call"` // set by Start
	Order     any  `json:"order"`
	Remaining int  `json:"remaining"` // milliseconds until the function's deadline
	Fails     bool `json:"fails"`
	Held      bool `json:"held"` // until End
	Validates bool `json:"validates"`
}

// An Answer says that a held call has started, or what became of a call.
type Answer struct {
	Call    int             `json:"call"`
	Started bool            `json:"started"`
	Called  bool            `json:"called"` // the function itself, not only what surrounds it
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"` // its name
	Message string          `json:"message"`
}

// StartPowertools starts the process, for a table of a DynamoDB server.
func StartPowertools(dir string, log io.Writer, function, dynamoDB, table string) (*Powertools, error) {
	p := &Powertools{command: exec.Command("node", "powertools.mjs", dynamoDB, table), waiting: map[int]chan Answer{}}
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
	answers := json.NewDecoder(stdout)
	for {
		var a Answer
		err := answers.Decode(&a)
		p.mu.Lock()
		if err != nil {
			p.failure = fmt.Errorf("powertools.mjs has ended: %w", err)
			for _, answer := range p.waiting {
				close(answer)
			}
			p.mu.Unlock()
			return
		}
		answer := p.waiting[a.Call]
		p.mu.Unlock()
		answer <- a
	}
}

// A Running call has been sent.
type Running struct {
	p       *Powertools
	call    int
	answers chan Answer
}

// Start sends a call.
func (p *Powertools) Start(c Call) (Running, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return Running{}, p.failure
	}
	p.calls++
	c.Call = p.calls
	r := Running{p, c.Call, make(chan Answer, 2)}
	p.waiting[c.Call] = r.answers
	return r, p.lines.Encode(c)
}

// Answer waits for the next answer.
func (r Running) Answer() (Answer, error) {
	a, ok := <-r.answers
	if !ok {
		return a, r.p.failure
	}
	return a, nil
}

// End ends the wait of a held call.
func (r Running) End() error {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	return r.p.lines.Encode(map[string]int{"end": r.call})
}

// Close ends the process and returns when it has gone.
func (p *Powertools) Close() error {
	return errors.Join(p.stdin.Close(), p.command.Wait())
}
