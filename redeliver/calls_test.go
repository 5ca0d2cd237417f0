package redeliver_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
	"github.com/matryer/is"
)

// failing returns an event with n messages that fail.
func failing(n int) events.SQSEvent { return messages(standard, slices.Repeat([]string{"fail"}, n)...) }

// invokeInTime returns the handler's answer and how long it took. The invocation has ten seconds, and the
// reserve is half a second.
func invokeInTime(t *testing.T, event events.SQSEvent, options ...batch.Option) (answer string, took time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	begin := time.Now()
	h := batch.SQSHandler(each(work), append(options, batch.WithLogger(nil))...)
	return invoke(t, ctx, h, event), time.Since(begin)
}

func TestCallsAreMadeSideBySide(t *testing.T) {
	for messages, rounds := range map[int]int{1: 1, 10: 1, 200: 1, 320: 1, 321: 2, 1000: 4} {
		t.Run(fmt.Sprint(messages), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				c := slowClient(100 * time.Millisecond)
				_, took := invokeInTime(t, failing(messages), redeliver.After(c, always(time.Second)))
				is.Equal(took, time.Duration(rounds)*100*time.Millisecond)
				is.Equal(len(c.waits()), messages)
				is.Equal(len(c.calls), (messages+9)/10)
				is.True(c.most <= 32)
			})
		})
	}
}

func TestNoCallBeginsAfterTheEndAndTheLongestWaitsComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		c, l := slowClient(1100*time.Millisecond), new(logbook)
		wait := func(f batch.Failure) time.Duration { return time.Duration(f.Record.Index) * time.Second }
		_, took := invokeInTime(t, failing(3000), redeliver.After(c, wait, redeliver.WithLogger(l.logger())))
		is.Equal(took, 5*time.Second)
		synctest.Wait()
		is.Equal(c.ended, 0)
		waits := c.waits()
		is.Equal(len(waits), 5*320) // there is no time for the calls of the fifth round to finish
		for i := range 5 * 320 {
			is.Equal(waits[fmt.Sprint("m", 2999-i)], int32(2999-i))
		}
		is.Equal(l.lines(), []string{`level=WARN msg="visibility not changed" messages=1720 error="no time left"`})
	})
}

func TestAHangingClientDoesNotChangeTheResponse(t *testing.T) {
	for name, test := range map[string]struct {
		respond func(context.Context) error
		took    time.Duration
	}{
		"until the end of its context": {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 5 * time.Second},
		"for longer":                   {func(context.Context) error { time.Sleep(time.Minute); return nil }, 9500*time.Millisecond + 375*time.Millisecond}, // three quarters of the reserve
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				event := failing(400)
				event.Records[7].Body = "ok"
				want, _ := invokeInTime(t, event)
				c := &client{respond: func(ctx context.Context, _ *input) (*output, error) { return nil, test.respond(ctx) }}
				got, took := invokeInTime(t, event, redeliver.After(c, always(time.Second), redeliver.WithLogger(nil)))
				is.Equal(got, want)
				is.Equal(took, test.took)
				time.Sleep(time.Hour)           // the calls left running make no further calls
				is.Equal(len(c.entries()), 320) // one round of calls
			})
		})
	}
}

func TestRefusedEntriesAreLoggedByMessage(t *testing.T) {
	is := is.New(t)
	c, l := &client{respond: func(_ context.Context, in *input) (*output, error) {
		return &output{Failed: []types.BatchResultErrorEntry{
			{Id: in.Entries[1].Id, Code: aws.String("ReceiptHandleIsInvalid"), Message: aws.String("it has expired")},
			{Id: in.Entries[2].Id, Code: aws.String("InternalError")},
			{Id: aws.String("77"), Code: aws.String("Odd")},
		}}, nil
	}}, new(logbook)
	answer, _ := invokeInTime(t, failing(3), redeliver.After(c, always(time.Second), redeliver.WithLogger(l.logger())))
	is.True(strings.Contains(answer, "0 of 3 records acknowledged"))
	is.Equal(l.lines(), []string{
		`level=WARN msg="visibility not changed" record=m1 code=ReceiptHandleIsInvalid error="it has expired"`,
		`level=WARN msg="visibility not changed" record=m2 code=InternalError`,
		`level=WARN msg="visibility not changed" code=Odd`,
	})
}

func TestALineIsLoggedForEachCallThatFails(t *testing.T) {
	for name, fail := range map[string]func() error{
		"access denied": func() error { return errors.New("access denied") },
		"the client panicked: broken": func() error {
			panic("broken")
		},
		"runtime.Goexit was called": func() error {
			runtime.Goexit()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			c, l := &client{respond: func(_ context.Context, in *input) (*output, error) {
				if len(in.Entries) == 10 {
					return nil, fail()
				}
				return nil, nil
			}}, new(logbook)
			invokeInTime(t, failing(14), redeliver.After(c, always(time.Second), redeliver.WithLogger(l.logger())))
			is.Equal(l.lines(), []string{fmt.Sprintf(`level=WARN msg="visibility not changed" messages=10 error=%q`, name)})
		})
	}
}

func TestNoMoreThanSixteenLinesOfAKindAreLogged(t *testing.T) {
	is := is.New(t)
	c, l := &client{respond: func(_ context.Context, in *input) (*output, error) {
		if *in.Entries[0].ReceiptHandle < "handle-m2" {
			return nil, errors.New("throttled")
		}
		out := &output{}
		for _, e := range in.Entries {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError")})
		}
		return out, nil
	}}, new(logbook)
	invokeInTime(t, failing(400), redeliver.After(c, always(time.Second), redeliver.WithLogger(l.logger())))
	kinds := make(map[string]int)
	for _, line := range l.lines() {
		kinds[line[strings.LastIndex(line, " ")+1:]]++
	}
	// The calls for m0 to m19 and m100 to m199 are throttled. The entries of the other 28 calls are refused one
	// by one.
	is.Equal(kinds["error=throttled"], 12)
	is.Equal(kinds["code=InternalError"], 16)
	is.Equal(l.lines()[len(l.lines())-1], `level=WARN msg="visibility of more messages not changed" messages=264`)
	is.Equal(len(l.lines()), 29)
}

func TestAPanicInTheWaitFunctionAffectsOnlyItsMessage(t *testing.T) {
	is := is.New(t)
	c, l := new(client), new(logbook)
	wait := func(f batch.Failure) time.Duration {
		if f.Record.ID == "m1" {
			panic("no idea")
		}
		return time.Second
	}
	invokeInTime(t, failing(3), redeliver.After(c, wait, redeliver.WithLogger(l.logger())))
	is.Equal(c.waits(), map[string]int32{"m0": 1, "m2": 1})
	is.Equal(l.lines(), []string{`level=WARN msg="visibility not changed" record=m1 error="the wait function panicked: no idea"`})
}

// evil's text panics with a value whose text panics.
type evil struct{}

func (e evil) Error() string { panic(e) }

func TestAPanicOrErrorWithoutATextAffectsOnlyItsMessageOrCall(t *testing.T) {
	is := is.New(t)
	c, l := &client{respond: func(_ context.Context, in *input) (*output, error) {
		switch *in.Entries[0].ReceiptHandle {
		case "handle-m0":
			return nil, evil{}
		case "handle-m10":
			panic(evil{})
		}
		return &output{}, nil
	}}, new(logbook)
	wait := func(f batch.Failure) time.Duration {
		if f.Record.ID == "m29" {
			panic(evil{})
		}
		return time.Second
	}
	answer, _ := invokeInTime(t, failing(30), redeliver.After(c, wait, redeliver.WithLogger(l.logger())))
	is.True(strings.Contains(answer, "0 of 30 records acknowledged"))
	is.Equal(len(c.waits()), 29)
	const none = "a redeliver_test.evil whose text cannot be made"
	is.Equal(slices.Sorted(slices.Values(l.lines())), []string{
		`level=WARN msg="visibility not changed" messages=10 error="` + none + `"`,
		`level=WARN msg="visibility not changed" messages=10 error="the client panicked: ` + none + `"`,
		`level=WARN msg="visibility not changed" record=m29 error="the wait function panicked: ` + none + `"`,
	})
}

func TestAWaitFunctionThatEndsItsGoroutineLeavesAllMessagesAlone(t *testing.T) {
	is := is.New(t)
	c, l := new(client), new(logbook)
	wait := func(f batch.Failure) time.Duration {
		if f.Record.ID == "m1" {
			runtime.Goexit()
		}
		return time.Second
	}
	answer, _ := invokeInTime(t, failing(3), redeliver.After(c, wait, redeliver.WithLogger(l.logger())))
	is.True(strings.Contains(answer, "0 of 3 records acknowledged"))
	is.Equal(len(c.waits()), 0)
	is.Equal(l.lines(), []string{`level=WARN msg="visibility not changed" messages=3 error="runtime.Goexit was called"`})
}

// A panickingWriter panics at each line.
type panickingWriter struct{ lines int }

func (w *panickingWriter) Write([]byte) (int, error) { w.lines++; panic("broken") }

func TestAPanickingLogHandlerPreventsNoCall(t *testing.T) {
	is := is.New(t)
	c := new(client)
	wait := func(f batch.Failure) time.Duration {
		if f.Record.Index < 2 {
			panic("no idea")
		}
		return time.Second
	}
	w := &panickingWriter{}
	invokeInTime(t, failing(30), redeliver.After(c, wait, redeliver.WithLogger(loggerTo(w))))
	is.Equal(len(c.waits()), 28)
	is.Equal(w.lines, 2)
}

// A hangingHandler is a log handler that does not return until it is released.
type hangingHandler struct {
	slog.Handler
	release chan struct{}
}

func (hangingHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h hangingHandler) Handle(context.Context, slog.Record) error { <-h.release; return nil }

func TestAHangingLogHandlerPreventsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		c, handler := new(client), hangingHandler{slog.DiscardHandler, make(chan struct{})}
		wait := func(f batch.Failure) time.Duration {
			if f.Record.Index == 0 {
				panic("no idea")
			}
			return time.Second
		}
		_, took := invokeInTime(t, failing(30), redeliver.After(c, wait, redeliver.WithLogger(slog.New(handler))))
		is.Equal(len(c.waits()), 29)
		is.True(took > 0) // the line was written, and delayed the response as long as a hook may
		close(handler.release)
		synctest.Wait()
	})
}

func TestTheCurrentDefaultLoggerIsUsed(t *testing.T) {
	is := is.New(t)
	option := redeliver.After(new(client), func(batch.Failure) time.Duration { panic("no idea") })
	l := new(logbook)
	setDefault(t, l)
	invokeInTime(t, failing(1), option)
	is.Equal(len(l.lines()), 1)
}

func TestLinesHaveTheContextOfTheInvocation(t *testing.T) {
	is := is.New(t)
	type key struct{}
	var seen any
	option := redeliver.After(new(client), func(batch.Failure) time.Duration { panic("no idea") },
		redeliver.WithLogger(contextLogger(func(ctx context.Context) { seen = ctx.Value(key{}) })))
	ctx := context.WithValue(t.Context(), key{}, "request")
	invoke(t, ctx, batch.SQSHandler(each(work), option, batch.WithLogger(nil)), failing(1))
	is.Equal(seen, "request")
}

func TestSeveralInvocationsAtOnceDoNotMix(t *testing.T) {
	is := is.New(t)
	option := func() (*client, batch.Option) { c := new(client); return c, redeliver.After(c, always(time.Second)) }
	c, shared := option()
	h := batch.SQSHandler(each(work), shared, batch.WithLogger(nil))
	done := make(chan string)
	for range 4 {
		go func() { done <- invoke(t, t.Context(), h, failing(25)) }()
	}
	first := <-done
	for range 3 {
		is.Equal(<-done, first)
	}
	is.Equal(len(c.entries()), 100)
}
