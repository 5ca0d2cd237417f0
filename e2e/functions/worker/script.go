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

// An order says what happens on its first try, its second, and so on; the last
// word holds for all further ones.
type order struct {
	ID     string   `json:"id"`
	Script []string `json:"script"`
}

var (
	errRefused  = errors.New("refused")
	errHopeless = errors.New("hopeless")
)

// everyControl is a text with every control character of ASCII and some that
// others count among them.
func everyControl() string {
	var b strings.Builder
	for c := range byte(0x20) {
		b.WriteByte(c)
	}
	b.WriteString("\x7f\u0080\u009f\u2028")
	return b.String()
}

// try does what the script has for this try:
//
//	ok            nothing more: the order goes on to be stored
//	fail          an error
//	dirty         an error whose text has every control character
//	panic         a panic
//	goexit        the end of its goroutine
//	give up       an error that the last stage settles as a dead letter
//	wait:200ms    waits so long or until the context ends, and then is ok
//	stuck:200ms   the same, but heeds no context
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
		return o, errors.New(everyControl())
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

// giveUp writes a hopeless record down as a dead letter, which settles it.
func (w worker) giveUp(ctx context.Context, err error) error {
	if !errors.Is(err, errHopeless) {
		return err
	}
	record, _ := batch.RecordFrom(ctx)
	_, err = w.ledger.Write(ctx, ledger.Dead, record.ID)
	return err
}
