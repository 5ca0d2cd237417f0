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
	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

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
			run := q.Drain(rt.Context(), s.sqsHandler(rt, s.options(rt, batch.StopGroup, batch.StopBatch)))
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
			options := s.options(rt, batch.StopBatch)
			if rapid.Bool().Draw(rt, "with max receives") {
				options = append(options, batch.WithMaxReceives(config.MaxReceives))
			}
			run := s.queue(config).Drain(rt.Context(), s.sqsHandler(rt, options))
			s.check(rt, run)
			s.checkOrder(rt, run)
		})
	})
}

func TestOnAShardEveryRecordHasItsEffectInOrderOrIsGivenUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			s := drawScene(rt, anyhow, true, forever, byNumber)
			config := drawShard(rt)
			config.MaxRetries = rapid.IntRange(0, 4).Draw(rt, "max retries")
			config.NoRetries = config.MaxRetries == 0
			options := s.options(rt, batch.StopGroup)
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
					run := topic.Drain(rt.Context(), s.kafkaHandler(s.options(rt, batch.StopBatch)))
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
				drained(rt, s, s.queue(config).Drain(rt.Context(), s.sqsHandler(rt, s.options(rt, batch.StopBatch))))
			})
		})
	})
	t.Run("shard", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			rapid.SyncTest(rt, func(rt *rapid.T) {
				s := drawScene(rt, anyhow, true, 4, byNumber)
				drained(rt, s, s.shard(drawShard(rt)).Drain(rt.Context(), s.kinesisHandler(s.options(rt, batch.StopGroup))))
			})
		})
	})
}

func TestTheStateOfAWindowIsTheFoldOverEveryRecordOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			s := drawScene(rt, anyhow, false, 4, byNumber)
			for id, p := range s.plans { // every record is kept, fails unsettled, and has one part
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
					s.now().alive(func() { closed[w.Start] = ids })
					return nil
				},
				s.options(rt, batch.StopGroup)...)
			run := shard.Drain(rt.Context(), s.counting(handler))
			s.check(rt, run)
			want := lo.GroupBy(s.ids, func(id string) time.Time { return arrival[id].Truncate(time.Minute).UTC() })
			if !maps.EqualFunc(closed, want, slices.Equal) {
				rt.Fatalf("%v instead of %v\n%v", closed, want, run)
			}
		})
	})
}

func TestOnlyMessagesWhoseFunctionFailsAreDeadLetteredWithMaxReceives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			// No chunks, whose function fails for several records at once, and no functions
			// that take long.
			s := drawScene(rt, quickly, false, forever, byNumber)
			config := batchtest.QueueConfig{
				FIFO:        true,
				BatchSize:   rapid.IntRange(1, 10).Draw(rt, "batch size"),
				MaxReceives: rapid.IntRange(1, 5).Draw(rt, "max receives"),
			}
			options := append(drawOptions(rt), batch.WithMaxReceives(config.MaxReceives))
			run := s.queue(config).Drain(rt.Context(), s.sqsHandler(rt, options))
			s.check(rt, run)
			s.checkDeadLettered(rt, run)
		})
	})
}

func TestOnAStandardQueueOnlyMessagesWhoseFunctionFailsAreDeadLettered(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			s := drawScene(rt, quickly, false, forever, byNumber)
			q := s.queue(batchtest.QueueConfig{
				BatchSize:   rapid.IntRange(1, 12).Draw(rt, "batch size"),
				MaxReceives: rapid.IntRange(1, 5).Draw(rt, "max receives"),
				Shuffle:     rapid.Bool().Draw(rt, "shuffle"),
				Seed:        rapid.Uint64().Draw(rt, "seed"),
			})
			run := q.Drain(rt.Context(), s.sqsHandler(rt, drawOptions(rt)))
			s.check(rt, run)
			s.checkDeadLettered(rt, run)
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
		"without WithMaxReceives": {
			nil,
			[]string{"other"}, []string{"poison", "innocent-1", "innocent-2"},
			map[string]int{"poison": 3, "other": 1},
		},
		"with WithMaxReceives": {
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
