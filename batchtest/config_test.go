package batchtest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

func TestSettingsThatTheServiceRefusesPanic(t *testing.T) {
	tests := map[string]func(){
		"BatchSize: 11":       func() { batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, BatchSize: 11}) },
		"BatchSize: 10001":    func() { batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 10_001}) },
		"BatchSize: -1":       func() { batchtest.NewShard(batchtest.ShardConfig{BatchSize: -1}) },
		"MaxReceives: -1":     func() { batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: -1}) },
		"VisibilityTimeout: ": func() { batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: -1}) },
		"Timeout: ":           func() { batchtest.NewTopic(batchtest.TopicConfig{Timeout: -1}) },
		"Shuffle: ":           func() { batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, Shuffle: true}) },
		"Duplicate: ":         func() { batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, Duplicate: true}) },
		"Source: 7":           func() { batchtest.NewShard(batchtest.ShardConfig{Source: 7}) },
		"MaxRetries: 10001":   func() { batchtest.NewShard(batchtest.ShardConfig{MaxRetries: 10_001}) },
		"NoRetries: ":         func() { batchtest.NewTopic(batchtest.TopicConfig{MaxRetries: 1, NoRetries: true}) },
		"Parallelization: 11": func() { batchtest.NewShard(batchtest.ShardConfig{Parallelization: 11}) },
		"MaxRecordAge: ":      func() { batchtest.NewShard(batchtest.ShardConfig{MaxRecordAge: -1}) },
		"RetryDelay: ":        func() { batchtest.NewTopic(batchtest.TopicConfig{RetryDelay: -1}) },
		"Window: ":            func() { batchtest.NewShard(batchtest.ShardConfig{Window: time.Minute, Parallelization: 2}) },
		"VisibilityTimeout: 12h0m1s": func() {
			batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: 12*time.Hour + time.Second})
		},
		"MaxRecordAge: 168h1m":         func() { batchtest.NewShard(batchtest.ShardConfig{MaxRecordAge: 7*24*time.Hour + time.Minute}) },
		"MaxRecordAge: 169h":           func() { batchtest.NewTopic(batchtest.TopicConfig{MaxRecordAge: 169 * time.Hour}) },
		"Window: 15m1s":                func() { batchtest.NewShard(batchtest.ShardConfig{Window: 15*time.Minute + time.Second}) },
		"Redeliver: 7":                 func() { batchtest.NewTopic(batchtest.TopicConfig{Redeliver: 7}) },
		"Partition: -1":                func() { batchtest.NewTopic(batchtest.TopicConfig{}).Put(batchtest.KafkaRecord{Partition: -1}) },
		"NewQueue was not called: ":    func() { new(batchtest.Queue).Send() },
		"NewQueue was not called":      func() { new(batchtest.Queue).Drain(context.Background(), nil) },
		"NewShard was not called: ":    func() { new(batchtest.Shard).Put() },
		"NewShard was not called":      func() { new(batchtest.Shard).Drain(context.Background(), nil) },
		"NewTopic was not called: ":    func() { new(batchtest.Topic).Put() },
		"NewTopic was not called":      func() { new(batchtest.Topic).Drain(context.Background(), nil) },
		"NewFirehose was not called: ": func() { new(batchtest.Firehose).Put() },
		"NewFirehose was not called":   func() { new(batchtest.Firehose).Drain(context.Background(), nil) },
		"Drain: handler is nil":        func() { batchtest.NewQueue(batchtest.QueueConfig{}).Drain(context.Background(), nil) },
	}
	for name, build := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			defer func() {
				text, _ := recover().(string)
				is.True(strings.HasPrefix(text, "batchtest: "+name))
			}()
			build()
		})
	}
}

func TestTheServicesLongestTimesAreAccepted(t *testing.T) {
	batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: 12 * time.Hour, Timeout: 15 * time.Minute})
	batchtest.NewShard(batchtest.ShardConfig{MaxRecordAge: 7 * 24 * time.Hour, Window: 15 * time.Minute, Timeout: 15 * time.Minute})
	batchtest.NewTopic(batchtest.TopicConfig{MaxRecordAge: 7 * 24 * time.Hour, Timeout: 15 * time.Minute})
	batchtest.NewFirehose(batchtest.FirehoseConfig{Timeout: 5 * time.Minute})
}
