package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/e2e/ledger"
)

// An order says what happens on its first try, its second, and so on. The last word is
// used for all further tries.
type order struct {
	ID     string   `json:"id"`
	Script []string `json:"script"`
}

var (
	errRefused  = errors.New("refused")
	errHopeless = errors.New("hopeless")
)

// controlCharacters has every control character of ASCII, and others that some programs
// treat as such.
func controlCharacters() string {
	var b strings.Builder
	for c := range byte(0x20) {
		b.WriteByte(c)
	}
	b.WriteString("\x7f\u0080\u009f\u2028")
	return b.String()
}

// try does what the script says for this try:
//
//	ok            nothing, so the order is stored next
//	fail          returns an error
//	dirty         returns an error whose text has every control character
//	panic         panics
//	goexit        ends its goroutine
//	give up       returns an error that the last stage settles as a dead letter
//	wait:200ms    waits that long; if the context ends first, it returns its error
//	stuck:200ms   waits that long and ignores the context
func (w worker) try(ctx context.Context, o order) (order, error) {
	n, err := w.ledger.Write(ctx, ledger.Try, o.ID)
	if err != nil {
		return o, err
	}
	word, duration, _ := strings.Cut(o.Script[min(n, len(o.Script))-1], ":")
	switch word {
	case "ok":
	case "fail":
		return o, fmt.Errorf("order %s: %w", o.ID, errRefused)
	case "dirty":
		return o, errors.New(controlCharacters())
	case "panic":
		panic("order " + o.ID)
	case "goexit":
		runtime.Goexit()
	case "give up":
		return o, errHopeless
	case "wait":
		return o, wait(ctx, duration)
	case "stuck":
		return o, wait(context.WithoutCancel(ctx), duration)
	default:
		return o, fmt.Errorf("order %s: unknown word %q", o.ID, word)
	}
	return o, nil
}

func wait(ctx context.Context, duration string) error {
	d, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// giveUp records a hopeless record as a dead letter, which settles it.
func (w worker) giveUp(ctx context.Context, err error) error {
	if !errors.Is(err, errHopeless) {
		return err
	}
	record, _ := batch.RecordFrom(ctx)
	_, err = w.ledger.Write(ctx, ledger.Dead, record.ID)
	return err
}
