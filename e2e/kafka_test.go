package e2e_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func startKafka(t *testing.T, partitions int32) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "orders"))
	is.New(t).NoErr(err)
	t.Cleanup(cluster.Close)
	return cluster
}

func kafkaClient(t *testing.T, cluster *kfake.Cluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(options, kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	is.New(t).NoErr(err)
	t.Cleanup(c.Close)
	return c
}

// consumer returns a client in the mapping's group, which commits only when asked to.
func consumer(t *testing.T, cluster *kfake.Cluster) *kgo.Client {
	return kafkaClient(t, cluster, kgo.ConsumerGroup("mapping"), kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
}

// produce writes the orders in sequence, each group to one partition.
func produce(t *testing.T, cluster *kfake.Cluster, orders []order) {
	t.Helper()
	records := make([]*kgo.Record, len(orders))
	for i, o := range orders {
		records[i] = &kgo.Record{
			Topic: "orders", Key: []byte(o.group), Value: o.body(), Headers: []kgo.RecordHeader{{Key: "v", Value: []byte{1, 0xff}}},
		}
	}
	is.New(t).NoErr(kafkaClient(t, cluster).ProduceSync(t.Context(), records...).FirstErr())
}

func TestEachKafkaPartitionIsProcessedInOrder(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s, l := openWorkerKilledAt(t, ledger.Entry{Kind: ledger.Store, ID: "g1-4"}, "SOURCE=kafka", "LANES=4")
	cluster := startKafka(t, 3)
	orders := groupedOrders(6, 8)
	for i, o := range orders {
		if !o.good() {
			orders[i].Script = []string{"fail", "give up"}
		}
	}
	produce(t, cluster, orders)

	topic := mapping.Topic{Client: consumer(t, cluster), BatchSize: 20, MaxRetries: 5, Invoke: s.Invoke, Timeout: shortTimeout}
	for settled := 0; settled < len(orders); {
		n, err := topic.Poll(t.Context())
		is.NoErr(err)
		settled += n
	}

	is.Equal(len(topic.Discarded), 0)
	is.Equal(len(l.IDs(ledger.Store)), len(orders)-1)
	is.Equal(len(l.IDs(ledger.Dead)), 1)
	checkGroupOrder(t, orders, l)
	is.Equal(s.Starts(), 2)
}

func TestAKafkaResponseNamesThePartitionAndTheOffset(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	cluster := startKafka(t, 1)
	s := openWorker(t, openLedger(t, nil), "SOURCE=kafka")
	produce(t, cluster, []order{script("a", "ok"), script("b", "fail", "ok"), script("c", "ok")})
	var responses []string
	topic := mapping.Topic{Client: consumer(t, cluster), BatchSize: 10, Timeout: time.Minute}
	topic.Invoke = func(payload []byte, timeout time.Duration) (sandbox.Outcome, error) {
		out, err := s.Invoke(payload, timeout)
		responses = append(responses, string(out.Body))
		return out, err
	}
	n, err := topic.Poll(t.Context())
	is.NoErr(err)
	is.Equal(n, 3)
	is.Equal(responses, []string{
		`{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":1}},{"itemIdentifier":{"partition":"orders-0","offset":2}}]}`,
		`{"batchItemFailures":[]}`,
	})
}

func TestAConsumerThatTakesOverGoesOnFromTheCommittedOffset(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	cluster := startKafka(t, 2)
	orders := groupedOrders(1, 8)
	for i := range orders {
		orders[i].Script = []string{"ok"}
	}
	orders[5].Script = []string{"fail", "ok"}
	produce(t, cluster, orders)
	s := openWorker(t, l, "SOURCE=kafka")

	gone := errors.New("the consumer is gone")
	first := mapping.Topic{Client: consumer(t, cluster), BatchSize: 10, Timeout: time.Minute}
	invocations := 0
	first.Invoke = func(payload []byte, timeout time.Duration) (sandbox.Outcome, error) {
		if invocations++; invocations == 2 {
			return sandbox.Outcome{}, gone
		}
		return s.Invoke(payload, timeout)
	}
	_, err := first.Poll(t.Context())
	is.True(errors.Is(err, gone))
	first.Client.Close()

	second := mapping.Topic{Client: consumer(t, cluster), BatchSize: 10, Timeout: time.Minute, Invoke: s.Invoke}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, err := second.Poll(ctx)
	is.NoErr(err)
	is.Equal(n, 3) // the record that failed and the two after it
	is.Equal(len(l.IDs(ledger.Store)), len(orders))
	checkGroupOrder(t, orders, l)
}
