package batch_test

// What the library needs does not lie in the hands of functions, and nothing that a user hooks in holds the answer.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestAFunctionThatWritesToItsMessageChangesNoAnswer(t *testing.T) {
	is := is.New(t)
	event := sqsEvent(fifoQueue, "g", "h", "g")
	response, err := batch.Run(batch.SQS(t.Context(), event), batch.Each(func(ctx context.Context, m events.SQSMessage) error {
		original, _ := batch.SourceFrom[events.SQSMessage](ctx)
		if m.MessageId != "m0" {
			return nil
		}
		*original = events.SQSMessage{MessageId: "m1", Attributes: map[string]string{"MessageGroupId": "h"}}
		m.Attributes["MessageGroupId"] = "h"
		return errBoom
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m2"})
}

// The race detector sees it, and without it the runtime does.
func TestAFunctionThatWasLeftBehindMayWriteToItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var stop atomic.Bool
		writes := func(_ context.Context, m events.SQSMessage) error {
			for !stop.Load() {
				m.Attributes["MessageGroupId"] = "x"
				time.Sleep(time.Millisecond)
			}
			return nil
		}
		var report batch.Report
		_, err := batch.Run(batch.SQS(ctx, sqsEvent(fifoQueue, "g", "g"), reportInto(&report)), batch.Each(writes))
		is.True(err != nil)
		is.Equal(report.Failures[0].Record.Group, "g")
		stop.Store(true)
		time.Sleep(time.Second)
	})
}

func TestFirehoseGivesBackTheDataAsItCame(t *testing.T) {
	is := is.New(t)
	handler := batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.TryMap(s, func(ctx context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
			original, _ := batch.SourceFrom[events.KinesisFirehoseEventRecord](ctx)
			original.RecordID = "other"
			copy(r.Data, "XXXXX")
			return batch.FirehoseRecord{}, errBoom
		})
	})
	answer, err := handler.Invoke(t.Context(), []byte(`{"deliveryStreamArn":"d","records":[{"recordId":"1","data":"aGVsbG8="}]}`))
	is.NoErr(err)
	is.Equal(string(answer), `{"records":[{"recordId":"1","result":"ProcessingFailed","data":"aGVsbG8="}]}`)
}

func TestAfterAGroupThatCannotBeReadEverythingIsHeldBack(t *testing.T) {
	message := func(id, attributes string) string {
		return `{"messageId":"` + id + `","eventSource":"aws:sqs","eventSourceARN":"q.fifo","body":"{}","attributes":` + attributes + `}`
	}
	payload := []byte(`{"Records":[` + strings.Join([]string{
		message("a", `{"MessageGroupId":"g"}`), message("b", `"none"`), message("c", `{"MessageGroupId":"g"}`), message("d", `{"MessageGroupId":"h"}`),
	}, ",") + `]}`)
	for name, stage := range map[string]func(batch.Stream[events.SQSMessage], *effects) batch.Stream[events.SQSMessage]{
		"alone": func(s batch.Stream[events.SQSMessage], e *effects) batch.Stream[events.SQSMessage] {
			return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error { e.note(m.MessageId); return nil })
		},
		"in lanes": func(s batch.Stream[events.SQSMessage], e *effects) batch.Stream[events.SQSMessage] {
			return batch.Parallel(s, 4, func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
				s = batch.Tap(s, func(batch.Result[events.SQSMessage]) { time.Sleep(time.Second) })
				return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error { e.note(m.MessageId); return nil })
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var taken effects
				handler := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] { return stage(s, &taken) }, batch.WithLogger(nil))
				answer, err := handler.Invoke(t.Context(), payload)
				is.NoErr(err)
				is.Equal(string(answer), `{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"c"},{"itemIdentifier":"d"}]}`)
				is.Equal(taken.all, []string{"a"})
			})
		})
	}
}

// A record whose group cannot be read may be of the group of any other, and where it gets a value it must not overtake.
func TestARecordWhoseGroupCannotBeReadOvertakesNobodyInLanes(t *testing.T) {
	for unreadable := range 3 {
		for _, lanes := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var records []string
				for i, group := range []string{`"g"`, `"h"`, `"i"`} {
					if i == unreadable {
						group = "7"
					}
					records = append(records, fmt.Sprintf(
						`{"messageId":"m%d","body":"%d","eventSource":"aws:sqs","eventSourceARN":"q.fifo","attributes":{"MessageGroupId":%s}}`, i, i, group))
				}
				var taken effects
				h := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) texts {
					return batch.Parallel(s, lanes, func(s batch.Stream[events.SQSMessage]) texts {
						values := batch.OrElse(batch.Map(s, func(m events.SQSMessage) string { return m.Body }),
							func(context.Context, error) (string, error) { return strconv.Itoa(unreadable), nil })
						return batch.TryEach(values, func(ctx context.Context, v string) error {
							time.Sleep(time.Duration(3-indexOf(v)) * time.Second)
							taken.note(v)
							return nil
						})
					})
				}, quiet)
				response, err := h.Invoke(context.Background(), []byte(`{"Records":[`+strings.Join(records, ",")+`]}`))
				is.NoErr(err)
				is.Equal(listedInJSON(t, response), []string{})
				is.Equal(taken.all, []string{"0", "1", "2"})
			})
		}
	}
}

// The reader stops at the first problem of a record, which need not be the one with its key.
func TestAKeyThatCannotBeReadHoldsBackWhateverElseIsWrongWithItsRecord(t *testing.T) {
	for _, other := range []string{`1`, `"never"`} {
		is := is.New(t)
		called := 0
		h := batch.DynamoDBHandler(batch.Each(func(context.Context, events.DynamoDBEventRecord) error { called++; return nil }),
			batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError(), quiet)
		answer, err := h.Invoke(context.Background(), []byte(`{"Records":[
			{"eventSource":"aws:dynamodb","dynamodb":{"ApproximateCreationDateTime":`+other+`,"Keys":{"id":{"Z":"1"}},"SequenceNumber":"1"}},
			{"eventSource":"aws:dynamodb","dynamodb":{"ApproximateCreationDateTime":1,"Keys":{"id":{"S":"1"}},"SequenceNumber":"2"}}]}`))
		is.NoErr(err)
		is.Equal(listedInJSON(t, answer), []string{"1", "2"})
		is.Equal(called, 0)
	}
}

func TestRunAnswersForAStageThatIsStuckBeforeItRanges(t *testing.T) {
	for name, stage := range map[string]func(chan struct{}) func(texts) texts{
		"where it is built": func(free chan struct{}) func(texts) texts {
			return func(s texts) texts { <-free; return s }
		},
		"where it is ranged over": func(free chan struct{}) func(texts) texts {
			return func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) { <-free; s(yield) }
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				free := make(chan struct{})
				start := time.Now()
				var called atomic.Int32
				response, err := batch.Run(grouped(ctx, make([]string, 3), reserve), func(s texts) texts {
					return stage(free)(batch.TryEach(s, func(context.Context, string) error { called.Add(1); return nil }))
				})
				is.True(err != nil)
				is.Equal(listed(response), []string{"r0", "r1", "r2"})
				is.True(time.Since(start) < 9*time.Second)
				close(free)
				time.Sleep(time.Minute)
				is.Equal(called.Load(), int32(0))
			})
		})
	}
}

func TestAStageThatIsSlowBeforeItRangesLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var j journal
		var taken effects
		response, err := batch.Run(grouped(ctx, make([]string, 3), reserve, batch.WithLogger(slog.New(&j))), func(s texts) texts {
			time.Sleep(time.Second) // it loads what it needs
			return batch.TryEach(s, taken.each)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(taken.all, []string{"0", "1", "2"})
		is.Equal(len(j.lines), 0)
	})
}

func TestATypedNilPanicErrorHasItsLine(t *testing.T) {
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

func TestAnEventOfAWindowIsAnErrorThatNamesItsHandler(t *testing.T) {
	is := is.New(t)
	payload := []byte(`{"window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:01:00Z"},"state":{},"shardId":"s","Records":[]}`)
	_, err := batch.KinesisHandler(batch.Each(func(context.Context, events.KinesisEventRecord) error { return nil })).Invoke(t.Context(), payload)
	is.True(err != nil && strings.Contains(err.Error(), "KinesisWindowHandler"))
	_, err = batch.DynamoDBHandler(batch.Each(func(context.Context, events.DynamoDBEventRecord) error { return nil })).Invoke(t.Context(), payload)
	is.True(err != nil && strings.Contains(err.Error(), "DynamoDBWindowHandler"))
}

// hanging is a log handler that never returns.
type hanging struct {
	journal
	free chan struct{}
}

func (h *hanging) Handle(context.Context, slog.Record) error { <-h.free; return nil }

func TestHooksThatHangDoNotHoldTheAnswer(t *testing.T) {
	for _, how := range []string{"report", "log", "log of a failure", "panics first"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				free := make(chan struct{})
				defer close(free)
				var told atomic.Int32
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
				opts = append(opts, batch.WithReport(func(context.Context, batch.Report) { told.Add(1) }))
				handler := batch.SQSHandler(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
					s = dropped(s, how == "log")
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
				is.True(time.Since(start) <= 9*time.Second) // the contexts end after 6, and 3 are three quarters of the reserve
				is.Equal(told.Load(), int32(1))
				if how == "report" {
					is.Equal(<-ended, start.Add(9*time.Second))
				}
			})
		})
	}
}

// dropped is s without its first Result.
func dropped[T any](s batch.Stream[T], first bool) batch.Stream[T] {
	return func(yield func(batch.Result[T]) bool) {
		for r := range s {
			if first && r.Record().Index == 0 {
				continue
			}
			if !yield(r) {
				return
			}
		}
	}
}

// Shutdown ends the contexts long before the deadline.
func TestHooksHaveTheirTimeAfterAnEarlyEnd(t *testing.T) {
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

func TestAStageThatRunsItsFunctionsTwiceIsToldSo(t *testing.T) {
	const line = "WARN () the stage ranged over the batch more than once, and its functions ran each time"
	for name, c := range map[string]struct {
		stage func(texts) texts
		want  bool
	}{
		"effects twice": {func(s texts) texts {
			s = batch.TryEach(s, succeed)
			for range s {
			}
			return s
		}, true},
		"counts": {func(s texts) texts {
			s = batch.Map(s, strings.TrimSpace)
			for range s {
			}
			return batch.TryEach(s, succeed)
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
