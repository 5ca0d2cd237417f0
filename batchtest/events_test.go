package batchtest_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
)

// The real events are those of aws-lambda-go.
func TestAnEventHasTheFieldsOfARealOne(t *testing.T) {
	text := "value"
	stream := func(source batchtest.Source, window time.Duration) func(context.Context, function) {
		return func(ctx context.Context, handler function) {
			shard := batchtest.NewShard(batchtest.ShardConfig{Source: source, Window: window})
			shard.Put(batchtest.Record{Key: "a", Data: []byte("b"), Arrived: time.Now().Add(-time.Hour)})
			shard.Drain(ctx, handler)
		}
	}
	tests := map[string]struct {
		drain func(context.Context, function)
		not   []string // prefixes of fields that only the real event has
	}{
		"sqs-event.json": {func(ctx context.Context, handler function) {
			q := batchtest.NewQueue(batchtest.QueueConfig{})
			q.Send(batchtest.Message{Attributes: map[string]events.SQSMessageAttribute{
				"Attribute1": {DataType: "String", StringValue: &text},
			}})
			q.Drain(ctx, handler)
		}, []string{"Records.messageAttributes.Attribute2", "Records.messageAttributes.Attribute3"}},
		"kinesis-event.json":             {stream(batchtest.Kinesis, 0), nil},
		"kinesis-time-window-event.json": {stream(batchtest.Kinesis, time.Second), []string{"state."}},
		"dynamodb-event.json": {stream(batchtest.DynamoDB, 0), []string{
			"Records.userIdentity", "Records.dynamodb.Keys.", "Records.dynamodb.NewImage.",
		}},
		"dynamodb-time-window-event.json": {stream(batchtest.DynamoDB, time.Second), []string{
			"state.", "Records.dynamodb.Keys.", "Records.dynamodb.NewImage.", "Records.dynamodb.OldImage",
		}},
		"kafka-event.json": {func(ctx context.Context, handler function) {
			topic := batchtest.NewTopic(batchtest.TopicConfig{Name: "AWSKafkaTopic"})
			topic.Put(batchtest.KafkaRecord{Key: []byte("a"), Value: []byte("b")})
			topic.Drain(ctx, handler)
		}, []string{"records.AWSKafkaTopic-0.headers."}},
	}
	for file, test := range tests {
		t.Run(file, func(t *testing.T) {
			is := is.New(t)
			var ours any
			test.drain(t.Context(), func(_ context.Context, payload []byte) ([]byte, error) {
				if ours == nil {
					decode(payload, &ours)
				}
				return []byte(`{"state":{}}`), nil
			})
			var real any
			decode(testdata(t, file), &real)
			for _, path := range slices.Sorted(maps.Keys(paths(real))) {
				if slices.ContainsFunc(test.not, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
					continue
				}
				is.True(paths(ours)[path]) // the field that the real event has
			}
		})
	}
}

func testdata(t *testing.T, file string) []byte {
	t.Helper()
	is := is.New(t)
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	is.NoErr(err)
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", file))
	is.NoErr(err)
	return data
}

// paths returns the keys of a JSON value. Keys of inner values follow a dot.
func paths(value any) map[string]bool {
	all := make(map[string]bool)
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			all[key] = true
			for path := range paths(inner) {
				all[key+"."+path] = true
			}
		}
	case []any:
		for _, inner := range value {
			maps.Copy(all, paths(inner))
		}
	}
	return all
}

func TestAnEventIsJSONWithoutNulls(t *testing.T) {
	is := is.New(t)
	for source, deliver := range sources(false) {
		_, _, _ = deliver(function(func(_ context.Context, payload []byte) ([]byte, error) {
			is.True(json.Valid(payload))
			if strings.Contains(string(payload), "null") {
				t.Errorf("%s: %s", source, payload)
			}
			return nil, nil
		}))
	}
}
