package sandbox

import (
	"crypto/rand"
	"io"
	"net/http"
	"strconv"
	"time"
)

// An invocation is one call of the function.
type invocation struct {
	id      string
	payload []byte
	timeout time.Duration
	arn     string
	trace   string

	done   chan struct{} // closed when the fields below are set
	end    End
	body   []byte
	header http.Header
}

func newInvocation(payload []byte, timeout time.Duration, config Config) *invocation {
	return &invocation{
		id: rand.Text(), payload: payload, timeout: timeout, arn: config.ARN, trace: config.Trace, done: make(chan struct{}),
	}
}

func (p *process) routes() http.Handler {
	const runtime = "/2018-06-01/runtime"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+runtime+"/invocation/next", p.next)
	mux.HandleFunc("POST "+runtime+"/invocation/{id}/response", p.finish(Responded))
	mux.HandleFunc("POST "+runtime+"/invocation/{id}/error", p.finish(Failed))
	mux.HandleFunc("POST "+runtime+"/init/error", p.failInit)
	return mux
}

// next serves the poll of the process, which is frozen until there is an invocation.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	p.polled.Store(true)
	p.initDone.Stop()
	p.freeze()
	select {
	case i := <-p.pending:
		p.mu.Lock()
		p.running[i.id] = i
		p.mu.Unlock()
		p.thaw()
		deliver(w, i, time.Now().Add(i.timeout))
	case <-r.Context().Done():
	}
}

func deliver(w http.ResponseWriter, i *invocation, deadline time.Time) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", i.arn)
	h.Set("Lambda-Runtime-Trace-Id", i.trace)
	_, _ = w.Write(i.payload)
}

// finish serves the post that ends an invocation. If the invocation is over already, it
// refuses the post, as the service does.
func (p *process) finish(end End) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		i, ok := p.running[r.PathValue("id")]
		if !ok {
			http.Error(w, `{"errorType":"InvalidRequestID"}`, http.StatusBadRequest)
			return
		}
		delete(p.running, i.id)
		i.end, i.body, i.header = end, body, r.Header.Clone()
		w.WriteHeader(http.StatusAccepted)
		close(i.done)
	}
}

func (p *process) failInit(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.initError = body
	w.WriteHeader(http.StatusAccepted)
}
