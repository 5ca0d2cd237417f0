package mapping

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/samber/lo"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A Topic feeds a function from the partitions of a Kafka topic, with
// ReportBatchItemFailures. Its client belongs to a consumer group, and must not commit
// automatically: the committed offset is the checkpoint.
type Topic struct {
	Client     *kgo.Client
	BatchSize  int
	MaxRetries int // of a batch in which no record was finished
	Timeout    time.Duration
	Invoke     Invoke

	Discarded []*kgo.Record // the records that the on-failure destination would receive
}

// Poll waits for a batch of records, delivers it until each record is finished or
// discarded, and returns how many records it had.
func (t *Topic) Poll(ctx context.Context) (int, error) {
	fetched := t.Client.PollRecords(ctx, t.BatchSize)
	if err := fetched.Err(); err != nil {
		return 0, err
	}
	batch := fetched.Records()
	return len(batch), t.settle(ctx, batch)
}

// settle delivers a batch until each record is finished or discarded. The lowest
// reported offset of a partition is its checkpoint: that record and all later ones of
// the partition are redelivered.
func (t *Topic) settle(ctx context.Context, batch []*kgo.Record) error {
	for retries := 0; len(batch) > 0; {
		redelivered, err := t.deliver(batch)
		if err != nil {
			return err
		}
		switch {
		case len(redelivered) < len(batch):
			retries = 0
		case retries == t.MaxRetries:
			t.Discarded = append(t.Discarded, batch...)
			redelivered = nil
		default:
			retries++
		}
		if err := t.commit(ctx, batch, redelivered); err != nil {
			return err
		}
		batch = redelivered
	}
	return nil
}

// commit moves the checkpoint of each partition past the records that are not
// redelivered.
func (t *Topic) commit(ctx context.Context, batch, redelivered []*kgo.Record) error {
	return t.Client.CommitRecords(ctx, lo.Without(batch, redelivered...)...)
}

// deliver invokes the function and returns the records to be redelivered.
func (t *Topic) deliver(batch []*kgo.Record) ([]*kgo.Record, error) {
	payload, err := kafkaEvent(batch)
	if err != nil {
		return nil, err
	}
	out, err := t.Invoke(payload, t.Timeout)
	if err != nil {
		return nil, err
	}
	ids := lo.Map(batch, func(r *kgo.Record, _ int) string { return fmt.Sprintf("%s/%d", partition(r), r.Offset) })
	checkpoint := map[string]int64{}
	reported, _ := reportedIn(out, ids)
	for _, i := range reported {
		r := batch[i]
		if lowest, ok := checkpoint[partition(r)]; !ok || r.Offset < lowest {
			checkpoint[partition(r)] = r.Offset
		}
	}
	return lo.Filter(batch, func(r *kgo.Record, _ int) bool {
		lowest, ok := checkpoint[partition(r)]
		return ok && r.Offset >= lowest
	}), nil
}

func partition(r *kgo.Record) string { return fmt.Sprintf("%s-%d", r.Topic, r.Partition) }

type kafkaRecord struct {
	Topic         string             `json:"topic"`
	Partition     int32              `json:"partition"`
	Offset        int64              `json:"offset"`
	Timestamp     int64              `json:"timestamp"`
	TimestampType string             `json:"timestampType"`
	Key           []byte             `json:"key,omitempty"`
	Value         []byte             `json:"value,omitempty"`
	Headers       []map[string][]int `json:"headers"`
}

func kafkaEvent(batch []*kgo.Record) ([]byte, error) {
	records := map[string][]kafkaRecord{}
	for _, r := range batch {
		headers := lo.Map(r.Headers, func(h kgo.RecordHeader, _ int) map[string][]int {
			return map[string][]int{h.Key: signed(h.Value)}
		})
		records[partition(r)] = append(records[partition(r)], kafkaRecord{
			Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
			Timestamp: r.Timestamp.UnixMilli(), TimestampType: "CREATE_TIME",
			Key: r.Key, Value: r.Value, Headers: headers,
		})
	}
	return json.Marshal(map[string]any{
		"eventSource":      "aws:kafka",
		"eventSourceArn":   "arn:aws:kafka:us-east-1:123456789012:cluster/e2e/uuid",
		"bootstrapServers": "b-1.e2e:9092",
		"records":          records,
	})
}

// signed returns the bytes as signed numbers, as in Java. The event has the values of
// headers in this form.
func signed(value []byte) []int {
	return lo.Map(value, func(b byte, _ int) int { return int(int8(b)) })
}
