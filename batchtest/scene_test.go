package batchtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/samber/lo"
)

var (
	quickly = []string{"error", "panic"}
	anyhow  = []string{"error", "panic", "exit", "stuck", "slow"}
)

// scene has drawn records and a pipeline for them.
type scene struct {
	*world
	ids    []string // in the order of sending
	groups map[string]string
}

// drawScene draws a scene. The IDs that name returns must be those of the source.
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
	if slices.Contains(how, "exit") {
		s.kills = rapid.SliceOfN(rapid.IntRange(1, 50), 0, 2).Draw(rt, "kills")
	}
	s.tallyDrawn()
	return s
}

func byNumber(i int, _ string) string { return fmt.Sprintf("r-%02d", i) }

func (s scene) body(id string) []byte {
	return lo.Must(json.Marshal(item{ID: id, Group: s.groups[id]}))
}

// counting makes a handler whose invocations are processes of the world.
func (s scene) counting(handler lambda.Handler) function {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		p := s.begin()
		type answer struct {
			response []byte
			err      error
			panicked any
		}
		answers := make(chan answer, 1)
		go func() {
			var a answer
			defer func() { a.panicked = recover(); answers <- a }()
			a.response, a.err = handler.Invoke(ctx, slices.Clone(payload))
		}()
		select {
		case a := <-answers:
			s.mu.Lock()
			defer s.mu.Unlock()
			if a.panicked != nil {
				panic(a.panicked)
			}
			if !p.isKilled() {
				return a.response, a.err
			}
		case <-p.killed:
		}
		return nil, errKilled
	}
}

// drawOptions draws options without hooks that misbehave.
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

func drawShard(rt *rapid.T) batchtest.ShardConfig {
	return batchtest.ShardConfig{
		BatchSize:       rapid.IntRange(1, 12).Draw(rt, "batch size"),
		Bisect:          rapid.Bool().Draw(rt, "bisect"),
		RetryDelay:      rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(rt, "delay"),
		Parallelization: rapid.IntRange(1, 4).Draw(rt, "parallelization"),
		Timeout:         drawTimeout(rt),
	}
}

// sqsHandler draws whether the library makes the handler or the handler calls Run.
func (s scene) sqsHandler(rt *rapid.T, options []batch.Option) function {
	process := func(messages batch.Stream[events.SQSMessage]) batch.Stream[item] {
		return s.stage(batch.Decode[item](messages, json.Unmarshal))
	}
	if rapid.Bool().Draw(rt, "with Run") {
		return s.counting(batchtest.Handler(func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
			return batch.Run(batch.SQS(ctx, event, options...), process)
		}))
	}
	return s.counting(batch.SQSHandler(process, options...))
}

func (s scene) kinesisHandler(options []batch.Option) function {
	return s.counting(batch.KinesisHandler(func(records batch.Stream[events.KinesisEventRecord]) batch.Stream[item] {
		return s.stage(batch.Decode[item](records, json.Unmarshal))
	}, options...))
}

func (s scene) dynamoDBHandler(options []batch.Option) function {
	return s.counting(batch.DynamoDBHandler(func(records batch.Stream[events.DynamoDBEventRecord]) batch.Stream[item] {
		return s.stage(batch.Map(records, func(r events.DynamoDBEventRecord) item {
			return item{ID: r.Change.SequenceNumber, Group: r.Change.Keys["id"].String()}
		}))
	}, options...))
}

func (s scene) kafkaHandler(options []batch.Option) function {
	return s.counting(batch.KafkaHandler(func(records batch.Stream[events.KafkaRecord]) batch.Stream[item] {
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
