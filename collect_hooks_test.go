package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
	"github.com/samber/lo/it"
)

func TestNothingIsLoggedIfEveryRecordIsAcknowledged(t *testing.T) {
	is := is.New(t)
	var j journal
	_, err := batch.Collect(batch.SQS(t.Context(), sqsEvent(queue, "", ""), batch.WithLogger(slog.New(&j))))
	is.NoErr(err)
	is.Equal(len(j.lines), 0)
}

func TestEachFailureIsLoggedWhenItReachesTheCollectorAndTheRestIsCounted(t *testing.T) {
	is := is.New(t)
	var j journal
	event := sqsEvent(fifoQueue, "g", "g", "g", "h", "i", "i")
	source := batch.SQS(t.Context(), event, batch.WithLogger(slog.New(&j)))
	response, err := batch.Run(source, func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		s = batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
			if m.MessageId == "m5" {
				is.Equal(len(j.lines), 1) // logged at once, not at the end
			}
			if slices.Contains([]string{"m0", "m3", "m4"}, m.MessageId) {
				return errors.New("boom of " + m.MessageId)
			}
			return nil
		})
		return batch.Catch(s, func(ctx context.Context, err error) error {
			if r, _ := batch.RecordFrom(ctx); r.ID == "m0" {
				return err
			}
			return nil // settled, so not logged
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m1", "m2"})
	is.Equal(j.lines, []string{
		"ERROR (m0) record failed record=m0 group=g attempt=2 error=boom of m0",
		"WARN () records not processed records=6 blocked=2",
	})
}

func TestRecordsThatAStageDroppedAreCountedInTheLog(t *testing.T) {
	is := is.New(t)
	var j journal
	s := batch.From(t.Context(), []string{"a", "b"}, byID, batch.WithLogger(slog.New(&j)))
	_, err := batch.Collect(dropping(s, "b"))
	is.NoErr(err)
	is.Equal(j.lines, []string{"WARN () records not processed records=2 unreached=1"})
}

func TestRecordsOfSeveralPartsAreLoggedOnce(t *testing.T) {
	is := is.New(t)
	var j journal
	s := batch.SQS(t.Context(), sqsEvent(queue, ""), batch.WithLogger(slog.New(&j)))
	parts := batch.FlatMap(s, func(events.SQSMessage) []string { return []string{"a", "b"} })
	_, err := batch.Collect(batch.TryEach(parts, failingOn("a", "b")))
	is.True(err != nil)
	is.Equal(len(j.lines), 1)
}

func TestTheStackOfAPanicIsLogged(t *testing.T) {
	is := is.New(t)
	var log bytes.Buffer
	source := batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m-1"}}},
		batch.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
	_, err := batch.Run(source, batch.Each(func(context.Context, events.SQSMessage) error { panic("oh") }))
	is.True(err != nil)
	var line struct{ Error, Stack string }
	is.NoErr(json.Unmarshal(log.Bytes(), &line))
	is.Equal(line.Error, "panic: oh")
	is.True(strings.Contains(line.Stack, "TestTheStackOfAPanicIsLogged"))
}

func TestAPanickingReportFunctionOrLoggerDoesNotChangeTheResponse(t *testing.T) {
	is := is.New(t)
	source := batch.From(t.Context(), []string{"a", "b"}, byID,
		batch.WithReport(func(context.Context, batch.Report) { panic("report") }), batch.WithLogger(slog.New(panicking{})))
	response, err := batch.Run(source, batch.Each(failingOn("a")))
	is.NoErr(err)
	is.Equal(listed(response), []string{"a"})
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool { panic("log") }

func TestEachReportFunctionGetsItsOwnCopyOfTheFailures(t *testing.T) {
	is := is.New(t)
	var second []int
	reverse := func(_ context.Context, r batch.Report) { slices.Reverse(r.Failures) }
	handler := batch.KinesisWindowHandler(
		func(s batch.Stream[events.KinesisEventRecord]) texts {
			return batch.TryMap(s, func(_ context.Context, r events.KinesisEventRecord) (string, error) {
				return string(r.Kinesis.Data), failingOn("b", "d")(context.Background(), string(r.Kinesis.Data))
			})
		},
		func(state, v string) string { return state + v },
		func(context.Context, batch.Window, string) error { return nil },
		batch.WithPolicy(batch.Continue), quiet, batch.WithReport(reverse),
		batch.WithReport(func(_ context.Context, r batch.Report) {
			second = lo.Map(r.Failures, func(f batch.Failure, _ int) int { return f.Record.Index })
		}))
	answer, err := handler.Invoke(context.Background(), windowPayload(t, "{}", false, "a", "b", "c", "d"))
	is.NoErr(err)
	is.True(strings.Contains(string(answer), `"state":"a"`))
	is.Equal(second, []int{1, 3})
}

func TestAHangingReportFunctionDoesNotDelayTheResponseWithoutAReserve(t *testing.T) {
	for name, left := range map[string]time.Duration{"the deadline is over": -time.Second, "no reserve": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				start := time.Now()
				ctx, cancel := context.WithDeadline(context.Background(), start.Add(left))
				defer cancel()
				free := make(chan struct{})
				defer close(free)
				hang := batch.WithReport(func(context.Context, batch.Report) { <-free })
				_, _ = batch.Run(grouped(ctx, make([]string, 2), batch.WithReserve(0), hang), func(s texts) texts {
					return batch.TryEach(s, func(ctx context.Context, _ string) error { <-ctx.Done(); return nil })
				})
				is.True(time.Since(start) < max(left, 0)+100*time.Millisecond)
			})
		})
	}
}

func TestAFirehoseRecordWithSeveralValuesIsLogged(t *testing.T) {
	is := is.New(t)
	var j journal
	handler := batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.FlatMap(s, func(r events.KinesisFirehoseEventRecord) []batch.FirehoseRecord {
			return []batch.FirehoseRecord{{Data: r.Data}, {Data: r.Data}}
		})
	}, batch.WithLogger(slog.New(&j)))
	_, err := handler.Invoke(context.Background(), []byte(`{"invocationId":"i","deliveryStreamArn":"a","records":[{"recordId":"one","data":"YQ=="}]}`))
	is.NoErr(err)
	is.True(strings.Contains(strings.Join(j.lines, "\n"), "several values"))
}

func TestTheGroupOfADynamoDBItemIsLoggedAsAReadableKey(t *testing.T) {
	is := is.New(t)
	var j journal
	item := func(number string, keys map[string]events.DynamoDBAttributeValue) events.DynamoDBEventRecord {
		return events.DynamoDBEventRecord{Change: events.DynamoDBStreamRecord{SequenceNumber: number, Keys: keys}}
	}
	event := events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{
		item("1", map[string]events.DynamoDBAttributeValue{"id": events.NewStringAttribute("42")}),
		item("2", map[string]events.DynamoDBAttributeValue{"sk": events.NewNumberAttribute("7"), "p\"k": events.NewStringAttribute("a\"{b} ü")}),
		item("3", map[string]events.DynamoDBAttributeValue{"id": events.NewBinaryAttribute([]byte("hi"))}),
		item("4", nil),
		item("5", map[string]events.DynamoDBAttributeValue{"id": events.NewBooleanAttribute(true)}), // no key of DynamoDB
	}}
	source := batch.DynamoDB(t.Context(), event, batch.WithPolicy(batch.Continue), batch.WithLogger(slog.New(&j)))
	_, _ = batch.Run(source, batch.Each(func(context.Context, events.DynamoDBEventRecord) error { return errBoom }))
	is.Equal(j.lines, []string{
		"ERROR (1) record failed record=1 group=id=42 error=boom",
		"ERROR (2) record failed record=2 group=p\"k=a\"{b} ü sk=7 error=boom",
		"ERROR (3) record failed record=3 group=id=aGk= error=boom",
		"ERROR (4) record failed record=4 error=boom",
		`ERROR (5) record failed record=5 group="id"{ "BOOL":true} error=boom`,
	})
}

func TestAPanicSaysWhereItHappened(t *testing.T) {
	is := is.New(t)
	var j journal
	source := batch.From(t.Context(), []string{"a"}, byID, batch.WithLogger(slog.New(&j)))
	_, _ = batch.Run(source, batch.Each(func(context.Context, string) error { panic("oh") }))
	line := regexp.MustCompile(`^ERROR \(a\) record failed record=a error=panic: oh ` +
		`at=collect_hooks_test.go:\d+ batch_test.(TestAPanic\w+.func1) stack=github.com/lambdabatch/batch_test.TestAPanic\w+.func1\n\t`)
	is.True(line.MatchString(j.lines[0]))
	is.True(!strings.Contains(j.lines[0], "batch.then") && !strings.Contains(j.lines[0], "runtime"))
}

// hanging is a log handler that never returns.
type hanging struct {
	journal
	free chan struct{}
}

func (h *hanging) Handle(context.Context, slog.Record) error { <-h.free; return nil }

func TestHangingHooksDoNotDelayTheResponse(t *testing.T) {
	for _, how := range []string{"report", "log", "log of a failure", "panics first"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				free := make(chan struct{})
				defer close(free)
				var reports atomic.Int32
				ended := make(chan time.Time, 1)
				start := time.Now()
				hang := func(c context.Context, _ batch.Report) {
					end, _ := c.Deadline()
					ended <- end
					<-free
				}
				opts := []batch.Option{batch.WithLogger(nil), batch.WithReserve(4 * time.Second), batch.WithoutAllFailedError()}
				switch how {
				case "report":
					opts = append(opts, batch.WithReport(hang))
				case "panics first":
					opts = append(opts, batch.WithReport(func(context.Context, batch.Report) { panic(errBoom) }), batch.WithReport(hang))
				default:
					opts = append(opts, batch.WithLogger(slog.New(&hanging{free: free})))
				}
				opts = append(opts, batch.WithReport(func(context.Context, batch.Report) { reports.Add(1) }))
				handler := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
					if how == "log" {
						s = lacking(s, 0)
					}
					return batch.TryEach(s, func(context.Context, events.SQSMessage) error {
						if how == "log of a failure" {
							return errBoom
						}
						return nil
					})
				}, opts...)
				payload, _ := json.Marshal(sqsEvent(queue, "", ""))
				_, err := handler.Invoke(ctx, payload)
				is.NoErr(err)
				is.True(time.Since(start) <= 9*time.Second) // the contexts end after 6 seconds, and three quarters of the reserve are 3
				is.Equal(reports.Load(), int32(1))
				if how == "report" {
					is.Equal(<-ended, start.Add(9*time.Second))
				}
			})
		})
	}
}

func TestManyHangingHooksDoNotDelayTheResponseIfTheReserveIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		const left = 60 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		free := make(chan struct{})
		defer close(free)
		hang := func(context.Context, batch.Report) { <-free }
		opts := []batch.Option{batch.WithLogger(slog.New(&hanging{free: free})), batch.WithoutAllFailedError()}
		opts = append(opts, batch.WithReport(hang), batch.WithReport(hang), batch.WithReport(hang))
		opts = append(opts, batch.WithScope(func(ctx context.Context, _ batch.Record) (context.Context, func(batch.Outcome)) {
			return ctx, func(batch.Outcome) { <-free }
		}))
		start := time.Now()
		_, err := batch.Run(grouped(ctx, make([]string, 2), opts...), func(s texts) texts {
			return batch.TryEach(s, func(ctx context.Context, _ string) error { <-free; return nil })
		})
		is.NoErr(err)
		is.True(time.Since(start) < left)
	})
}

func TestHooksMayTakeAsLongAsTheyNeedWithoutADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		reported := false
		report := func(context.Context, batch.Report) {
			time.Sleep(time.Hour)
			reported = true
		}
		_, err := batch.Run(grouped(t.Context(), []string{"a"}, batch.WithReport(report)), batch.Each(succeed))
		is.NoErr(err)
		is.True(reported)
	})
}

// The context is cancelled long before the deadline.
func TestHooksGetTheirFullTimeIfTheContextEndsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		var end time.Time
		var alive error
		source := grouped(ctx, make([]string, 2), reserve, batch.WithReport(func(c context.Context, _ batch.Report) {
			end, _ = c.Deadline()
			alive = c.Err()
		}))
		_, err := batch.Run(source, func(s texts) texts {
			return batch.TryEach(s, func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
		})
		is.True(err != nil)
		is.Equal(end, start.Add(4*time.Second))
		is.NoErr(alive)
	})
}

func TestAWarningIsLoggedIfAStageCallsItsFunctionsTwice(t *testing.T) {
	const line = "WARN () the stage ranged over the batch more than once, and its functions ran each time"
	twice := func(s texts) texts {
		for range s {
		}
		return s
	}
	for name, c := range map[string]struct {
		stage func(texts) texts
		want  bool
	}{
		"effects twice":            {func(s texts) texts { return twice(batch.TryEach(s, succeed)) }, true},
		"fallible functions twice": {func(s texts) texts { return twice(batch.TryMap(s, sameValue(succeed))) }, true},
		"Then twice": {func(s texts) texts {
			return twice(it.Map(s, func(r batch.Result[string]) batch.Result[string] { return batch.Then(r, sameValue(succeed)) }))
		}, true},
		"a recovery twice": {func(s texts) texts {
			s = batch.Map(s, func(string) string { panic(errBoom) })
			s = batch.Catch(s, func(context.Context, error) error { return nil })
			for range s {
			}
			return s
		}, true},
		"counts": {func(s texts) texts {
			return batch.TryEach(twice(batch.Map(s, strings.TrimSpace)), succeed)
		}, false},
		"once": {func(s texts) texts { return batch.TryEach(s, succeed) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var j journal
			response, err := batch.Run(grouped(t.Context(), make([]string, 2), batch.WithLogger(slog.New(&j))), c.stage)
			is.NoErr(err)
			is.Equal(listed(response), []string{})
			is.Equal(len(j.lines) == 1 && j.lines[0] == line, c.want)
		})
	}
}

// lacking drops the record at this index.
func lacking[T any](s batch.Stream[T], index int) batch.Stream[T] {
	return func(yield func(batch.Result[T]) bool) {
		for r := range s {
			if r.Record().Index != index && !yield(r) {
				return
			}
		}
	}
}

func TestAPanicOfAStageIsLoggedEvenIfEveryRecordHasFailedBefore(t *testing.T) {
	is := is.New(t)
	var j journal
	_, err := batch.Run(batch.From(t.Context(), []string{"a"}, byID, batch.WithLogger(slog.New(&j))), func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			batch.TryEach(s, failingOn("a"))(yield)
			panic("late")
		}
	})
	_, panicked := errors.AsType[*batch.PanicError](err)
	is.True(panicked)
	is.Equal(len(j.lines), 2)
	is.True(strings.HasPrefix(j.lines[1], "ERROR () a stage panicked error=panic: late "))
}
