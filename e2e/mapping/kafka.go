package mapping

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A Topic feeds a function from the partitions of a Kafka topic, with
// ReportBatchItemFailures. Its client is of a consumer group and does not
// commit by itself: what is committed is the checkpoint.
type Topic struct {
	Client     *kgo.Client
	BatchSize  int
	MaxRetries int // of a batch of which nothing was finished
	Timeout    time.Duration
	Invoke     Invoke

	Discarded []*kgo.Record // what the on-failure destination was told of
}

// Poll waits for records, delivers one batch of them until each is finished or
// discarded, and returns how many there were.
func (t *Topic) Poll(ctx context.Context) (int, error) {
	fetched := t.Client.PollRecords(ctx, t.BatchSize)
	if err := fetched.Err(); err != nil {
		return 0, err
	}
	batch := fetched.Records()
	return len(batch), t.settle(ctx, batch)
}

// settle takes the lowest offset reported in a partition as its checkpoint:
// that record and everything after it in the partition is redelivered.
func (t *Topic) settle(ctx context.Context, batch []*kgo.Record) error {
	for retries := 0; len(batch) > 0; {
		again, err := t.deliver(batch)
		if err != nil {
			return err
		}
		switch {
		case len(again) < len(batch):
			retries = 0
		case retries == t.MaxRetries:
			t.Discarded = append(t.Discarded, batch...)
			again = nil
		default:
			retries++
		}
		if err := t.commit(ctx, batch, again); err != nil {
			return err
		}
		batch = again
	}
	return nil
}

// commit moves the checkpoint of each partition past what is not redelivered.
func (t *Topic) commit(ctx context.Context, batch, again []*kgo.Record) error {
	waits := map[*kgo.Record]bool{}
	for _, r := range again {
		waits[r] = true
	}
	var done []*kgo.Record
	for _, r := range batch {
		if !waits[r] {
			done = append(done, r)
		}
	}
	return t.Client.CommitRecords(ctx, done...)
}

// deliver invokes the function and returns what is redelivered.
func (t *Topic) deliver(batch []*kgo.Record) ([]*kgo.Record, error) {
	payload, err := kafkaEvent(batch)
	if err != nil {
		return nil, err
	}
	out, err := t.Invoke(payload, t.Timeout)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(batch))
	for i, r := range batch {
		ids[i] = fmt.Sprintf("%s/%d", partition(r), r.Offset)
	}
	checkpoint := map[string]int64{}
	reported, _ := failed(out, ids)
	for _, i := range reported {
		r := batch[i]
		if lowest, ok := checkpoint[partition(r)]; !ok || r.Offset < lowest {
			checkpoint[partition(r)] = r.Offset
		}
	}
	var again []*kgo.Record
	for _, r := range batch {
		if lowest, ok := checkpoint[partition(r)]; ok && r.Offset >= lowest {
			again = append(again, r)
		}
	}
	return again, nil
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
		headers := make([]map[string][]int, len(r.Headers))
		for i, h := range r.Headers {
			headers[i] = map[string][]int{h.Key: signed(h.Value)}
		}
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

// signed writes bytes as Java does, which is how the event carries a header's value.
func signed(value []byte) []int {
	numbers := make([]int, len(value))
	for i, b := range value {
		numbers[i] = int(int8(b))
	}
	return numbers
}
