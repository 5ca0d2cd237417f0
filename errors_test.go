package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// unprocessed returns a result that is blocked and one that was not started.
func unprocessed() map[error]batch.Result[string] {
	all := slices.Collect(batch.TryEach(oneGroup(context.Background(), batch.StopBatch, "a", "b"), failingOn("a")))
	late := one(batch.TryEach(oneGroup(endedContext(), batch.Continue, "a"), failingOn()))
	return map[error]batch.Result[string]{batch.ErrBlocked: all[1], batch.ErrNotStarted: late}
}

func TestErrorsOfUnprocessedRecordsSayWhyAndNameOnlyOthers(t *testing.T) {
	is := is.New(t)
	all := unprocessed()
	is.Equal(all[batch.ErrBlocked].Err().Error(), `blocked by record "a"`)
	is.Equal(all[batch.ErrNotStarted].Err().Error(), "not started: boom")
	is.True(errors.Is(all[batch.ErrNotStarted].Err(), errBoom)) // why the context ended
	alike := slices.Collect(batch.TryEach(oneGroup(context.Background(), batch.StopBatch, "a", "a"), failingOn("a")))
	is.Equal(alike[1].Err().Error(), `blocked by another record "a": they share an identifier`)
	_, failures := batch.Partition(func(yield func(batch.Result[string]) bool) {
		for r := range batch.Of("x", "y") {
			yield(r)
			return
		}
	})
	is.True(errors.Is(failures[0].Err, batch.ErrUnreached))
	is.Equal(failures[0].Err.Error(), "unreached: dropped by a stage, or waiting when the response was due")
}

func TestEachKindOfErrorHasAText(t *testing.T) {
	for text, kind := range map[string]error{
		"blocked": batch.ErrBlocked, "not started": batch.ErrNotStarted, "unreached": batch.ErrUnreached, "running": batch.ErrRunning,
		"no route": batch.ErrNoRoute, "no value": batch.ErrNoValue, "no identifier": batch.ErrNoID, "response too large": batch.ErrTooLarge,
	} {
		is.New(t).Equal(kind.Error(), text)
	}
}

func TestAnUnprocessedResultNeverChanges(t *testing.T) {
	for kind, r := range unprocessed() {
		t.Run(kind.Error(), func(t *testing.T) {
			is := is.New(t)
			is.True(errors.Is(r.Err(), kind))
			just := func(yield func(batch.Result[string]) bool) { yield(r) }
			never := func(context.Context, error) (string, error) { t.Error("called"); return "", nil }
			for name, s := range map[string]texts{
				"Fail":      func(yield func(batch.Result[string]) bool) { yield(r.Fail(errBoom)) },
				"Fail(nil)": func(yield func(batch.Result[string]) bool) { yield(r.Fail(nil)) },
				"Ack":       func(yield func(batch.Result[string]) bool) { yield(r.Ack()) },
				"Tap":       batch.Tap(just, func(batch.Result[string]) { panic("look") }),
				"OrElse":    batch.OrElse(just, never),
				"Catch": batch.Catch(just, func(ctx context.Context, err error) error {
					_, err = never(ctx, err)
					return err
				}),
			} {
				t.Run(name, func(t *testing.T) {
					is := is.New(t)
					is.True(one(s).Err() == r.Err())
					_, failures := batch.Partition(s)
					is.True(slices.ContainsFunc(failures, func(f batch.Failure) bool { return f.Err == r.Err() }))
				})
			}
		})
	}
}

// A function may return one of these errors itself. Then it is an ordinary error.
func TestAnErrorThatLooksLikeAnUnprocessedOneIsCaught(t *testing.T) {
	for _, kind := range []error{batch.ErrBlocked, batch.ErrNotStarted, batch.ErrUnreached} {
		is := is.New(t)
		failed := batch.TryEach(batch.Of("a"), func(context.Context, string) error { return kind })
		caught := batch.Catch(failed, func(context.Context, error) error { return nil })
		response, err := batch.Collect(caught)
		is.NoErr(err)
		is.Equal(listed(response), []string{})
	}
}

func explode(context.Context, string) error { panic(io.ErrUnexpectedEOF) }

func TestAPanicFailsItsRecordAndNothingElse(t *testing.T) {
	is := is.New(t)
	all := slices.Collect(batch.TryEach(batch.Of("a", "b"), func(ctx context.Context, v string) error {
		if v == "a" {
			return explode(ctx, v)
		}
		return nil
	}))
	var p *batch.PanicError
	is.True(errors.As(all[0].Err(), &p))
	is.Equal(p.Value, io.ErrUnexpectedEOF)
	is.True(errors.Is(p, io.ErrUnexpectedEOF))
	is.True(strings.Contains(string(p.Stack), "explode"))
	is.Equal(p.Error(), "panic: unexpected EOF")
	is.NoErr(all[1].Err())
}

func TestEveryPanicIsAPanicError(t *testing.T) {
	for name, value := range map[string]any{"nil": nil, "text": "a\x7f\nb", "nil PanicError": (*batch.PanicError)(nil)} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			r := one(batch.Map(batch.Of(1), func(int) int { panic(value) }))
			var p *batch.PanicError
			is.True(errors.As(r.Err(), &p))
			is.True(p != nil)
			is.True(strings.HasPrefix(p.Error(), "panic: "))
			is.True(!strings.ContainsAny(p.Error(), "\x7f\n"))
		})
	}
}

// A function panics with the error of an inner pipeline, which has the stack of the original panic.
func TestAPanicThatIsPassedOnKeepsItsStack(t *testing.T) {
	is := is.New(t)
	inner := one(batch.TryEach(batch.Of("a"), explode))
	outer := one(batch.Map(batch.Of("b"), func(string) int { panic(inner.Err()) }))
	is.Equal(outer.Err(), inner.Err())
}

func TestGoexitEndsThePipelineAndUnfinishedRecordsAreReported(t *testing.T) {
	is := is.New(t)
	response, err := batch.Run(batch.Of("a", "b", "c"), batch.Each(func(_ context.Context, v string) error {
		if v == "b" {
			runtime.Goexit()
		}
		return nil
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"1", "2"})
}

func TestGoexitBeforeTheFirstRangeIsAnError(t *testing.T) {
	is := is.New(t)
	_, err := batch.Run(batch.Of("a"), func(s texts) texts {
		runtime.Goexit()
		return s
	})
	is.True(err != nil)

	// Results of another source change nothing.
	_, err = batch.Run(batch.Of("a"), func(texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			batch.Of("elsewhere")(yield)
			runtime.Goexit()
		}
	})
	is.True(err != nil)
}

// textless is an error whose Error method panics.
type textless struct{}

func (textless) Error() string { panic("no text") }

func TestAnErrorWithEmptyTextIsReported(t *testing.T) {
	is := is.New(t)
	var lines bytes.Buffer
	source := batch.From(t.Context(), []string{"a"}, byID, batch.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))))
	response, err := batch.Run(source, batch.Each(func(context.Context, string) error { return textless{} }))
	is.Equal(listed(response), []string{"a"})
	is.True(err.Error() != "")
	is.True(strings.Contains(lines.String(), "record=a"))
}

// nilInside is an error whose Unwrap method panics if the pointer is nil.
type nilInside struct{ inner error }

func (e *nilInside) Error() string { return "nothing inside" }
func (e *nilInside) Unwrap() error { return e.inner }

func TestAnErrorWhoseMethodsPanicAffectsOnlyItsRecords(t *testing.T) {
	is := is.New(t)
	broken := func(_ context.Context, values []string) error {
		if values[0] == "c" {
			var none *nilInside
			return none
		}
		return nil
	}
	response, err := batch.Collect(batch.TryEachChunk(batch.Of("a", "b", "c", "d"), 2, broken))
	is.NoErr(err)
	is.Equal(listed(response), []string{"2", "3"})

	var log journal
	source := batch.From(t.Context(), []string{"a"}, byID, batch.WithLogger(slog.New(&log)))
	_, err = batch.Run(source, batch.Each(func(context.Context, string) error {
		var none *fs.PathError
		return none
	}))
	is.True(err != nil)
	is.Equal(err.Error(), "0 of 1 records acknowledged: a: an error that is a nil *fs.PathError")
	is.Equal(len(log.lines), 1)
	is.True(strings.Contains(log.lines[0], "error=an error that is a nil *fs.PathError"))
}

func TestARecordIsNamedOnceWhereverAnErrorIsShown(t *testing.T) {
	is := is.New(t)
	var log journal
	payload := `{"Records":[{"messageId":"m-0001","body":7,"eventSource":"aws:sqs"}]}`
	_, err := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[int] {
		return batch.Decode[int](s, json.Unmarshal)
	}, batch.WithLogger(slog.New(&log))).Invoke(t.Context(), []byte(payload))
	is.Equal(strings.Count(err.Error(), "m-0001"), 1)
	is.Equal(strings.Count(strings.Join(log.lines, ""), "record=m-0001"), 1)
	is.True(!strings.Contains(strings.Join(log.lines, ""), `record \"`))

	_, err = batch.Run(oneGroup(endedContext(), batch.StopGroup, "m-0001"), batch.Each(succeed))
	is.Equal(err.Error(), "0 of 1 records acknowledged: m-0001: not started: boom")
}

func TestTheStackOfAPanicIsLoggedOnce(t *testing.T) {
	crashing := func(s texts) texts {
		return func(func(batch.Result[string]) bool) {
			var kept []batch.Result[string]
			for r := range s {
				if kept = append(kept, r); len(kept) == 3 {
					panic(errBoom)
				}
			}
		}
	}
	for name, stage := range map[string]batch.Stage[string, string]{
		"of a stage": crashing,
		"of a lane":  func(s texts) texts { return batch.Parallel(s, 1, crashing) },
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var log journal
			_, err := batch.Run(grouped(t.Context(), make([]string, 3), batch.WithLogger(slog.New(&log))), stage)
			is.True(errors.Is(err, errBoom))
			text := strings.Join(log.lines, "\n")
			is.Equal(strings.Count(text, "stack="), 1)
			is.True(strings.Contains(text, "errors_test.go"))
			is.Equal(strings.Count(text, "at=errors_test.go:"), strings.Count(text, "error=panic: boom")) // every line says where it happened
		})
	}
}

func TestAPayloadThatIsNotAnEventIsAPayloadError(t *testing.T) {
	pass := func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] { return s }
	for name, handler := range map[string]*batch.Handler{
		"SQS":   batch.SQSHandler(batch.Each(func(context.Context, events.SQSMessage) error { return nil })),
		"Kafka": batch.KafkaHandler(batch.Each(func(context.Context, events.KafkaRecord) error { return nil })),
		"Firehose": batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
			return batch.Map(s, func(events.KinesisFirehoseEventRecord) (f batch.FirehoseRecord) { return f })
		}),
		"window": batch.KinesisWindowHandler(pass, func(state int, _ events.KinesisEventRecord) int { return state },
			func(context.Context, batch.Window, int) error { return nil }),
		"Kinesis": batch.KinesisHandler(pass),
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			for _, payload := range []string{"{}", "", "{\"a\u007f\":1}"} {
				_, err := handler.Invoke(t.Context(), []byte(payload))
				p, ok := err.(*batch.PayloadError) // not wrapped, because Lambda shows the type of the outermost error
				is.True(ok)
				is.True(strings.HasPrefix(p.Error(), "expected a"))
				is.True(!strings.Contains(p.Error(), "\u007f"))
				is.True(p.Err != nil && errors.Is(err, p.Err))
			}
		})
	}
	_, err := batch.KinesisHandler(pass).Invoke(t.Context(), windowPayload(t, "{}", false, "a"))
	_, ok := err.(*batch.PayloadError)
	is.New(t).True(ok)
}

func TestATypedNilPanicErrorIsLogged(t *testing.T) {
	is := is.New(t)
	var j journal
	var none *batch.PanicError
	_, err := batch.Run(grouped(t.Context(), make([]string, 2), batch.WithLogger(slog.New(&j))), func(s texts) texts {
		return batch.TryEach(s, func(_ context.Context, v string) error {
			if v == "1" {
				return none
			}
			return nil
		})
	})
	is.NoErr(err)
	is.Equal(j.lines, []string{`ERROR (r1) record failed record=r1 error=panic`})
	is.True(!errors.Is(none, errBoom))
	var undecoded *batch.DecodeError
	is.True(!errors.Is(undecoded, errBoom))
	is.True(undecoded.Error() != "")
}
