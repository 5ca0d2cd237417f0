package batchtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

var (
	quickly = []string{"error", "panic"}
	anyhow  = []string{"error", "panic", "stuck", "slow"}
)

// scene is drawn records with a pipeline for them.
type scene struct {
	*world
	ids    []string // in the order of sending
	groups map[string]string
}

// drawScene names the records as the source will.
func drawScene(rt *rapid.T, how []string, chunks bool, maxTimes int, name func(i int, group string) string) scene {
	s := scene{groups: make(map[string]string)}
	p := drawPipeline(rt, chunks)
	plans := make(map[string]plan)
	for i := range rapid.IntRange(1, 25).Draw(rt, "records") {
		group := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "group")
		id := name(i, group)
		s.ids = append(s.ids, id)
		s.groups[id] = group
		plans[id] = drawPlan(rt, p, how, maxTimes)
	}
	s.world = newWorld(p, plans)
	return s
}

func byNumber(i int, _ string) string { return fmt.Sprintf("r-%02d", i) }

func (s scene) body(id string) []byte {
	body, err := json.Marshal(item{ID: id, Group: s.groups[id]})
	if err != nil {
		panic(err)
	}
	return body
}

// counted makes a handler that says which invocation it is.
func (s scene) counted(handler lambda.Handler) function {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		s.mu.Lock()
		s.invocation++
		s.mu.Unlock()
		return handler.Invoke(ctx, payload)
	}
}

// violation says what a handler did that it must never do, nil if there is
// nothing.
func (s scene) violation(run *batchtest.Run) error {
	for i, invocation := range run.Invocations {
		if err := invocation.Err; errors.Is(err, batchtest.ErrTimedOut) || errors.Is(err, batchtest.ErrVoid) ||
			errors.Is(err, batchtest.ErrExited) || isPanic(err) {
			return fmt.Errorf("invocation %d: %w", i+1, err)
		}
		for _, id := range invocation.Done {
			if !s.happened(id, i+1) {
				return fmt.Errorf("%s was deleted before its effect", id)
			}
		}
	}
	if run.Err != nil {
		return run.Err
	}
	ended := slices.Sorted(slices.Values(slices.Concat(run.Deleted, run.DeadLettered)))
	if !slices.Equal(ended, slices.Sorted(slices.Values(s.ids))) {
		return fmt.Errorf("not every record ended once: %v", ended)
	}
	return nil
}

func isPanic(err error) bool {
	_, ok := errors.AsType[*batchtest.PanicError](err)
	return ok
}

// disorder says which record of a group took effect after a later one, nil if
// none did. Where a function takes several records at once and fails some of
// them, this is only said of the effects that last.
func (s scene) disorder(run *batchtest.Run) error {
	group := func(id string) string { return s.groups[id] }
	// A failure that is settled holds nobody up, and may be none when the
	// record comes again.
	ids := slices.DeleteFunc(slices.Clone(s.ids), func(id string) bool { return s.plans[id].settled })
	if late, early := s.overtaken(ids, group); late != "" && !s.pipeline.each {
		return fmt.Errorf("%s was overtaken by %s", late, early)
	}
	deleted := slices.DeleteFunc(ids, func(id string) bool { return !slices.Contains(run.Deleted, id) })
	if late, early := s.leftOver(deleted, group); late != "" {
		return fmt.Errorf("in the end %s was overtaken by %s", late, early)
	}
	return nil
}

func (s scene) check(rt *rapid.T, run *batchtest.Run) {
	rt.Helper()
	time.Sleep(time.Minute) // for stuck functions to return, which the bubble does not wait for
	if err := s.violation(run); err != nil {
		rt.Fatalf("%v\n%v", err, run)
	}
}

func (s scene) checkOrder(rt *rapid.T, run *batchtest.Run) {
	rt.Helper()
	if err := s.disorder(run); err != nil {
		rt.Fatalf("%v: %v\n%v", err, s.effects(), run)
	}
}

func drawOptions(rt *rapid.T, policies ...batch.Policy) []batch.Option {
	options := []batch.Option{silent}
	if i := rapid.IntRange(0, len(policies)).Draw(rt, "policy"); i > 0 {
		options = append(options, batch.WithPolicy(policies[i-1]))
	}
	if rapid.Bool().Draw(rt, "without AllFailedError") {
		options = append(options, batch.WithoutAllFailedError())
	}
	return options
}

func drawTimeout(rt *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, time.Second, 10 * time.Second}).Draw(rt, "timeout")
}

// handlers of each source: made by the library, or with Run in a function that
// people already have.

func (s scene) sqsHandler(rt *rapid.T, options []batch.Option) function {
	process := func(messages batch.Stream[events.SQSMessage]) batch.Stream[item] {
		return s.stage(batch.Decode[item](messages, json.Unmarshal))
	}
	if rapid.Bool().Draw(rt, "with Run") {
		return s.counted(batchtest.Handler(func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
			return batch.Run(batch.SQS(ctx, event, options...), process)
		}))
	}
	return s.counted(batch.SQSHandler(process, options...))
}

func (s scene) kinesisHandler(options []batch.Option) function {
	return s.counted(batch.KinesisHandler(func(records batch.Stream[events.KinesisEventRecord]) batch.Stream[item] {
		return s.stage(batch.Decode[item](records, json.Unmarshal))
	}, options...))
}

func (s scene) dynamoDBHandler(options []batch.Option) function {
	return s.counted(batch.DynamoDBHandler(func(records batch.Stream[events.DynamoDBEventRecord]) batch.Stream[item] {
		return s.stage(batch.Map(records, func(r events.DynamoDBEventRecord) item {
			return item{ID: r.Change.SequenceNumber, Group: r.Change.Keys["id"].String()}
		}))
	}, options...))
}

func (s scene) kafkaHandler(options []batch.Option) function {
	return s.counted(batch.KafkaHandler(func(records batch.Stream[events.KafkaRecord]) batch.Stream[item] {
		return s.stage(batch.Decode[item](records, json.Unmarshal))
	}, options...))
}

func (s scene) queue(config batchtest.QueueConfig) *batchtest.Queue {
	q := batchtest.NewQueue(config)
	for _, id := range s.ids {
		q.Send(batchtest.Message{ID: id, Body: string(s.body(id)), Group: s.groups[id]})
	}
	return q
}

func (s scene) shard(config batchtest.ShardConfig) *batchtest.Shard {
	shard := batchtest.NewShard(config)
	for _, id := range s.ids {
		shard.Put(batchtest.Record{ID: id, Key: s.groups[id], Data: s.body(id)})
	}
	return shard
}

func TestOnAStandardQueueEveryMessageHasItsEffectOrIsDeadLettered(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			s := drawScene(rt, anyhow, true, forever, byNumber)
			q := s.queue(batchtest.QueueConfig{
				BatchSize:         rapid.IntRange(1, 12).Draw(rt, "batch size"),
				MaxReceives:       rapid.IntRange(1, 5).Draw(rt, "max receives"),
				VisibilityTimeout: rapid.SampledFrom([]time.Duration{0, 5 * time.Second, time.Minute}).Draw(rt, "visibility"),
				Timeout:           drawTimeout(rt),
				Shuffle:           rapid.Bool().Draw(rt, "shuffle"),
				Duplicate:         rapid.Bool().Draw(rt, "duplicate"),
				Seed:              rapid.Uint64().Draw(rt, "seed"),
			})
			run := q.Drain(rt.Context(), s.sqsHandler(rt, drawOptions(rt, batch.StopGroup, batch.StopBatch)))
			s.check(rt, run)
		})
	})
}

func TestOnAFIFOQueueGroupsAlsoTakeEffectInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			s := drawScene(rt, anyhow, true, forever, byNumber)
			config := batchtest.QueueConfig{
				FIFO:              true,
				BatchSize:         rapid.IntRange(1, 10).Draw(rt, "batch size"),
				MaxReceives:       rapid.IntRange(1, 5).Draw(rt, "max receives"),
				VisibilityTimeout: rapid.SampledFrom([]time.Duration{0, 5 * time.Second, time.Minute}).Draw(rt, "visibility"),
				Timeout:           drawTimeout(rt),
			}
			options := drawOptions(rt, batch.StopBatch)
			if rapid.Bool().Draw(rt, "with max receives") {
				options = append(options, batch.WithMaxReceives(config.MaxReceives))
			}
			run := s.queue(config).Drain(rt.Context(), s.sqsHandler(rt, options))
			s.check(rt, run)
			s.checkOrder(rt, run)
		})
	})
}

func drawShard(rt *rapid.T) batchtest.ShardConfig {
	return batchtest.ShardConfig{
		BatchSize:       rapid.IntRange(1, 12).Draw(rt, "batch size"),
		Bisect:          rapid.Bool().Draw(rt, "bisect"),
		RetryDelay:      rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(rt, "delay"),
		Parallelization: rapid.IntRange(1, 4).Draw(rt, "parallelization"),
		Timeout:         drawTimeout(rt),
	}
}

func TestOnAShardEveryRecordHasItsEffectInOrderOrIsGivenUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			s := drawScene(rt, anyhow, true, forever, byNumber)
			config := drawShard(rt)
			config.MaxRetries = rapid.IntRange(0, 4).Draw(rt, "max retries")
			config.NoRetries = config.MaxRetries == 0
			options := drawOptions(rt, batch.StopGroup)
			handler := s.kinesisHandler(options)
			if rapid.Bool().Draw(rt, "DynamoDB") {
				config.Source = batchtest.DynamoDB
				handler = s.dynamoDBHandler(options)
			}
			run := s.shard(config).Drain(rt.Context(), handler)
			s.check(rt, run)
			s.checkOrder(rt, run)
		})
	})
}

func TestOnATopicEveryRecordHasItsEffectInOrderOrIsGivenUpUnderBothReadings(t *testing.T) {
	for name, redeliver := range map[string]batchtest.Redelivery{
		"from the lowest": batchtest.FromLowest,
		"only listed":     batchtest.OnlyListed,
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				rapid.SyncTest(rt, func(rt *rapid.T) {
					offsets := make(map[string]int)
					s := drawScene(rt, anyhow, true, forever, func(_ int, group string) string {
						offsets[group]++
						return fmt.Sprintf("topic-%d/%d", group[0]-'a', offsets[group]-1)
					})
					topic := batchtest.NewTopic(batchtest.TopicConfig{
						Redeliver: redeliver,
						BatchSize: rapid.IntRange(1, 12).Draw(rt, "batch size"),
						OnFailure: true,
						Bisect:    rapid.Bool().Draw(rt, "bisect"),
						Timeout:   drawTimeout(rt),
					})
					for _, id := range s.ids {
						topic.Put(batchtest.KafkaRecord{Partition: int(s.groups[id][0] - 'a'), Value: s.body(id)})
					}
					run := topic.Drain(rt.Context(), s.kafkaHandler(drawOptions(rt, batch.StopBatch)))
					s.check(rt, run)
					s.checkOrder(rt, run)
				})
			})
		})
	}
}

func TestAHandlerWhoseFailuresStopIsDrained(t *testing.T) {
	drained := func(rt *rapid.T, s scene, run *batchtest.Run) {
		s.check(rt, run)
		if len(run.DeadLettered) > 0 {
			rt.Fatalf("given up: %v\n%v", run.DeadLettered, run)
		}
	}
	t.Run("queue", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			rapid.SyncTest(rt, func(rt *rapid.T) {
				s := drawScene(rt, anyhow, true, 4, byNumber)
				config := batchtest.QueueConfig{FIFO: rapid.Bool().Draw(rt, "FIFO"), Timeout: drawTimeout(rt)}
				drained(rt, s, s.queue(config).Drain(rt.Context(), s.sqsHandler(rt, drawOptions(rt, batch.StopBatch))))
			})
		})
	})
	t.Run("shard", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			rapid.SyncTest(rt, func(rt *rapid.T) {
				s := drawScene(rt, anyhow, true, 4, byNumber)
				drained(rt, s, s.shard(drawShard(rt)).Drain(rt.Context(), s.kinesisHandler(drawOptions(rt, batch.StopGroup))))
			})
		})
	})
}

func TestTheStateOfAWindowIsTheFoldOverEveryRecordOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			s := drawScene(rt, anyhow, false, 4, byNumber)
			for id, p := range s.plans { // nothing is filtered, settled or in parts
				s.plans[id] = plan{place: p.place, how: p.how, times: p.times, lasts: p.lasts, parts: 1}
			}
			config := drawShard(rt)
			config.Parallelization = 0
			config.Window = time.Minute
			shard := batchtest.NewShard(config)
			arrival := make(map[string]time.Time)
			at := time.Now()
			for _, id := range s.ids {
				at = at.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "later")) * time.Second)
				arrival[id] = at
				shard.Put(batchtest.Record{ID: id, Key: s.groups[id], Data: s.body(id), Arrived: at})
			}
			closed := make(map[time.Time][]string)
			handler := batch.KinesisWindowHandler(
				func(records batch.Stream[events.KinesisEventRecord]) batch.Stream[item] {
					return s.stage(batch.Decode[item](records, json.Unmarshal))
				},
				func(ids []string, it item) []string { return append(ids, it.ID) },
				func(_ context.Context, w batch.Window, ids []string) error {
					closed[w.Start] = ids
					return nil
				},
				drawOptions(rt, batch.StopGroup)...)
			run := shard.Drain(rt.Context(), s.counted(handler))
			s.check(rt, run)
			want := make(map[time.Time][]string)
			for _, id := range s.ids {
				start := arrival[id].Truncate(time.Minute).UTC()
				want[start] = append(want[start], id)
			}
			if !maps.EqualFunc(closed, want, slices.Equal) {
				rt.Fatalf("%v instead of %v\n%v", closed, want, run)
			}
		})
	})
}

func TestWithMaxReceivesNoMessageIsDeadLetteredWhoseFunctionNeverFails(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			// Neither chunks, where a function fails for several, nor time that
			// runs out.
			s := drawScene(rt, quickly, false, forever, byNumber)
			config := batchtest.QueueConfig{
				FIFO:        true,
				BatchSize:   rapid.IntRange(1, 10).Draw(rt, "batch size"),
				MaxReceives: rapid.IntRange(1, 5).Draw(rt, "max receives"),
			}
			options := append(drawOptions(rt), batch.WithMaxReceives(config.MaxReceives))
			run := s.queue(config).Drain(rt.Context(), s.sqsHandler(rt, options))
			s.check(rt, run)
			for _, id := range run.DeadLettered {
				if s.failures(id) == 0 {
					rt.Fatalf("%s never failed\n%v", id, run)
				}
			}
		})
	})
}

func TestWithoutMaxReceivesTheInnocentFollowAPoisonMessageIntoTheDeadLetterQueue(t *testing.T) {
	tests := map[string]struct {
		options      []batch.Option
		deleted      []string
		deadLettered []string
		tried        map[string]int
	}{
		"without": {
			nil,
			[]string{"other"}, []string{"poison", "innocent-1", "innocent-2"},
			map[string]int{"poison": 3, "other": 1},
		},
		"with": {
			[]batch.Option{batch.WithMaxReceives(3)},
			[]string{"other", "innocent-1", "innocent-2"}, []string{"poison"},
			map[string]int{"poison": 3, "innocent-1": 1, "innocent-2": 1, "other": 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 3})
			q.Send(
				batchtest.Message{ID: "poison", Group: "a"},
				batchtest.Message{ID: "innocent-1", Group: "a"},
				batchtest.Message{ID: "innocent-2", Group: "a"},
				batchtest.Message{ID: "other", Group: "b"},
			)
			tried := make(map[string]int)
			handler := batch.SQSHandler(batch.Each(func(_ context.Context, m events.SQSMessage) error {
				tried[m.MessageId]++
				if m.MessageId == "poison" {
					return errors.New("no good")
				}
				return nil
			}), append(test.options, silent)...)
			run := q.Drain(t.Context(), handler)
			is.Equal(run.Deleted, test.deleted)
			is.Equal(run.DeadLettered, test.deadLettered)
			is.Equal(tried, test.tried)
		})
	}
}

// TestBrokenHandlersViolateTheSameProperties shows that the properties above
// can fail.
func TestBrokenHandlersViolateTheSameProperties(t *testing.T) {
	type answer = map[string]any
	list := func(key string, identifiers ...any) answer {
		failures := []answer{}
		for _, identifier := range identifiers {
			failures = append(failures, answer{"itemIdentifier": identifier})
		}
		return answer{key: failures}
	}
	// r-1 and r-2 are of one group, and r-1 fails the first time.
	tests := map[string]struct {
		handle func(ctx context.Context, s scene, records []record) answer
		want   string
	}{
		"sound": {func(ctx context.Context, s scene, records []record) answer {
			var failed []any
			for _, r := range records {
				if len(failed) > 0 || s.tryOn(ctx, r) != nil {
					failed = append(failed, r.id)
				}
			}
			return list("batchItemFailures", failed...)
		}, ""},
		"wrong identifiers": {func(ctx context.Context, s scene, records []record) answer {
			var failed []any
			for i, r := range records {
				if s.tryOn(ctx, r) != nil {
					failed = append(failed, fmt.Sprint(i))
				}
			}
			return list("batchItemFailures", failed...)
		}, `invocation 1: the answer voids itself: entry 0: "0" is not in the batch`},
		"an empty identifier": {func(ctx context.Context, s scene, records []record) answer {
			return list("batchItemFailures", "")
		}, "invocation 1: the answer voids itself: entry 0: itemIdentifier is empty"},
		"another key": {func(ctx context.Context, s scene, records []record) answer {
			return list("BatchItemFailures", records[0].id, records[1].id)
		}, "r-1 was deleted before its effect"},
		"a record that is dropped": {func(ctx context.Context, s scene, records []record) answer {
			for _, r := range records[1:] {
				if s.tryOn(ctx, r) != nil {
					return list("batchItemFailures", r.id)
				}
			}
			return nil
		}, "r-1 was deleted before its effect"},
		"a record that is dropped behind a failure": {func(ctx context.Context, s scene, records []record) answer {
			for _, r := range records {
				if s.tryOn(ctx, r) != nil {
					return list("batchItemFailures", r.id)
				}
			}
			return nil
		}, "r-2 was deleted before its effect"},
		"no regard for the order": {func(ctx context.Context, s scene, records []record) answer {
			var failed []any
			for _, r := range records {
				if s.tryOn(ctx, r) != nil {
					failed = append(failed, r.id)
				}
			}
			return list("batchItemFailures", failed...)
		}, "r-1 was overtaken by r-2"},
		"a failure that never ends": {func(ctx context.Context, s scene, records []record) answer {
			return list("batchItemFailures", records[0].id, records[1].id)
		}, "batchtest: the handler gets nowhere: record r-1 was delivered 100 times with no record finished or given up"},
		"a panic": {func(context.Context, scene, []record) answer {
			panic("boom")
		}, "invocation 1: the handler panicked: boom"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			s := scene{
				ids:    []string{"r-1", "r-2"},
				groups: map[string]string{"r-1": "a", "r-2": "a"},
				world:  newWorld(pipeline{}, map[string]plan{"r-1": {how: "error", times: 1}}),
			}
			run := s.queue(batchtest.QueueConfig{FIFO: true}).Drain(t.Context(), s.counted(
				function(func(ctx context.Context, payload []byte) ([]byte, error) {
					return json.Marshal(test.handle(ctx, s, recordsOf(payload)))
				})))
			err := s.violation(run)
			if err == nil {
				err = s.disorder(run)
			}
			if test.want == "" {
				is.NoErr(err)
				return
			}
			is.True(err != nil)
			is.Equal(err.Error(), test.want)
		})
	}
}

// tryOn is the effect of a handler without a pipeline.
func (s scene) tryOn(ctx context.Context, r record) error {
	it := item{ID: r.id, Group: r.key}
	if err := s.call(ctx, 0, it); err != nil {
		return err
	}
	s.act(it)
	return nil
}
