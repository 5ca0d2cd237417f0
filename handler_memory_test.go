//go:build !race

package batch_test

// How much memory a handler takes for the most expensive payloads that it can get, from payload to response. Not with the
// race detector, which allocates memory of its own and makes this slow.

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

const maxPayload = 6 << 20 // of Lambda

// Hundreds of thousands of records take minutes on a slow machine, and as much per byte as tens of thousands.
var manyBytes = flag.Int("many-bytes", 1<<20, "the size of payloads with many records or attributes")

// A gauge measures the heap that an invocation uses. Functions and hooks call look.
type gauge struct{ before, most uint64 }

func (g *gauge) look() {
	g.most = max(g.most, liveHeap())
}

// live returns the most that was in use at a time.
func (g *gauge) live() uint64 { return max(g.most, g.before) - g.before }

// measure invokes the handler of a source so that a batch costs as much as possible: every record fails, is logged and
// is listed in the response and in a report. measure returns how many bytes were allocated, and the most that were in
// use.
func measure(source string, payload []byte) (took, live uint64, err error) {
	liveHeap() // empties the pools of earlier invocations, together with the next call
	g := &gauge{before: liveHeap()}
	called := false
	each := func(context.Context) error {
		if !called {
			called = true
			g.look()
		}
		return errBoom
	}
	h := handlersOf[source](each,
		batch.WithPolicy(batch.Continue), batch.WithoutAllFailedError(),
		batch.WithLogger(slog.New(slog.NewJSONHandler(io.Discard, nil))),
		batch.WithReport(func(context.Context, batch.Report) { g.look() }))
	var response []byte
	took = allocated(func() { response, err = h.Invoke(context.Background(), payload) })
	g.look()
	runtime.KeepAlive(response)
	runtime.KeepAlive(payload)
	return took, g.live(), err
}

// payload repeats the part until the payload has the size.
func (s shape) payload(size int) []byte {
	b := make([]byte, 0, size)
	b = append(b, s.head...)
	before, after, counted := strings.Cut(s.part, "#")
	for i := 0; len(b)+len(s.part)+len(s.tail)+8 < size; i++ {
		b = append(b, before...)
		if counted {
			b = append(strconv.AppendInt(b, int64(i), 10), after...)
		}
	}
	return append(b, s.tail...)
}

func TestNoPayloadTakesMoreMemoryThanAMultipleOfItsSize(t *testing.T) {
	for _, e := range expensive {
		t.Run(e.kind, func(t *testing.T) {
			is := is.New(t)
			size := maxPayload
			if strings.HasPrefix(e.kind, "as many") {
				size = *manyBytes
			}
			var mostAllocated, mostLive float64
			for _, s := range e.shapes {
				payload := s.payload(size)
				took, live, err := measure(s.source, payload)
				perByte, liveByte := float64(took)/float64(len(payload)), float64(live)/float64(len(payload))
				t.Logf("%5.1f bytes allocated per byte, %4.1f in use: %s, %s (%T)", perByte, liveByte, s.source, s.name, err)
				is.True(perByte < e.allocated)
				is.True(liveByte < e.live)
				mostAllocated, mostLive = max(mostAllocated, perByte), max(mostLive, liveByte)
			}
			t.Logf("%5.1f bytes allocated per byte, %4.1f in use: the most of them", mostAllocated, mostLive)
		})
	}
}

// The smallest records take many times their size, but a payload has at most 10,000 of them.
func TestTenThousandOfTheSmallestRecordsTakeLittleMemory(t *testing.T) {
	for source, form := range forms {
		for _, record := range []string{"{}", "0"} {
			is := is.New(t)
			payload := fmt.Appendf(nil, form.event, strings.Repeat(record+",", manyRecords-1)+record)
			took, live, err := measure(source, payload)
			t.Logf("%4.1f MB allocated, %3.1f MB in use: %s, %d bytes of %s (%T)", float64(took)/1e6, float64(live)/1e6, source, len(payload), record, err)
			is.True(took < 48e6)
			is.True(live < 16e6)
			var w witness
			is.Equal(w.outcome(t, source, fmt.Appendf(nil, form.event, strings.Repeat(record+",", 2*manyRecords)+record)), "no event")
		}
	}
}

// The rows of docs/hostile.md say "less than 24 (14.3)": the bound and the figure that the test printed.
func TestTheBoundsOnMemoryAreThoseOfTheDocument(t *testing.T) {
	document, err := os.ReadFile("docs/hostile.md")
	is.New(t).NoErr(err)
	const cell = ` less than (\d+) \(([\d.]+)\) \|`
	for _, e := range expensive {
		is := is.New(t)
		row := regexp.MustCompile(`(?m)^\| ` + e.kind + ` \|` + cell + cell).FindSubmatch(document)
		is.True(row != nil) // e.kind
		for i, bound := range []float64{e.allocated, e.live} {
			is.Equal(string(row[1+2*i]), fmt.Sprint(bound))
			measured, err := strconv.ParseFloat(string(row[2+2*i]), 64)
			is.NoErr(err)
			is.True(measured < bound)
		}
	}
}
