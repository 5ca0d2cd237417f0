package kpl_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/kpl"
	"github.com/matryer/is"
)

type records = batch.Stream[events.KinesisEventRecord]

var errRefused = errors.New("refused")

// seen collects the data of records, and fails the record whose data is refuse.
type seen struct {
	refuse string
	mu     sync.Mutex
	data   []string
}

func (s *seen) store(_ context.Context, r events.KinesisEventRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = append(s.data, string(r.Kinesis.Data))
	if s.refuse == string(r.Kinesis.Data) {
		return errRefused
	}
	return nil
}

// packed returns an aggregate of n user records. The data of each is the name and its position.
func packed(name string, n int) []byte {
	users := make([]kpl.UserRecord, n)
	for i := range users {
		users[i] = kpl.UserRecord{PartitionKey: "ada", Data: fmt.Appendf(nil, "%s%d", name, i)}
	}
	return aggregate(users...)
}

func event(data ...[]byte) (e events.KinesisEvent) {
	for i, d := range data {
		e.Records = append(e.Records, record(fmt.Sprint(101+i), d))
	}
	return e
}

func reported(r batch.Response) string {
	var ids []string
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return strings.Join(ids, " ")
}

func TestAKinesisRecordIsReportedOnceIfUserRecordsFail(t *testing.T) {
	for _, lanes := range []int{0, 4} {
		t.Run(fmt.Sprint(lanes, " lanes"), func(t *testing.T) {
			is := is.New(t)
			s := seen{refuse: "b1"}
			e := event(packed("a", 3), packed("b", 3), []byte("plain"))
			response, err := batch.Run(batch.Kinesis(t.Context(), e, batch.WithPolicy(batch.Continue)), stored(&s, lanes))
			is.NoErr(err)
			is.Equal(reported(response), "102")
			is.Equal(slices.Sorted(slices.Values(s.data)), []string{"a0", "a1", "a2", "b0", "b1", "b2", "plain"})
		})
	}
}

func stored(s *seen, lanes int) func(records) records {
	stage := func(r records) records {
		return batch.TryEach(batch.TryFlatMap(r, kpl.Deaggregate), s.store)
	}
	if lanes == 0 {
		return stage
	}
	return func(r records) records { return batch.Parallel(r, lanes, stage) }
}

func TestUserRecordsKeepTheirOrder(t *testing.T) {
	unpackedFirst := func(s *seen) func(records) records {
		return func(r records) records {
			users := batch.TryFlatMap(r, kpl.Deaggregate)
			return batch.Parallel(users, 4, func(r records) records { return batch.TryEach(r, s.store) })
		}
	}
	for name, stage := range map[string]func(*seen) func(records) records{
		"without lanes":  func(s *seen) func(records) records { return stored(s, 0) },
		"in lanes":       func(s *seen) func(records) records { return stored(s, 4) },
		"ahead of lanes": unpackedFirst,
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var s seen
			response, err := batch.Run(batch.Kinesis(t.Context(), event(packed("a", 3), packed("b", 2), []byte("plain"))), stage(&s))
			is.NoErr(err)
			is.Equal(len(response.BatchItemFailures), 0)
			is.Equal(s.data, []string{"a0", "a1", "a2", "b0", "b1", "plain"})
		})
	}
}

func TestACorruptAggregateFailsAloneAndIsPoison(t *testing.T) {
	corrupt := packed("b", 2)
	corrupt[10]++
	e := event(packed("a", 2), corrupt, packed("c", 2))
	for _, lanes := range []int{0, 4} {
		t.Run(fmt.Sprint(lanes, " lanes"), func(t *testing.T) {
			is := is.New(t)
			var s seen
			var wrong *batch.DecodeError
			source := batch.Kinesis(t.Context(), e, batch.WithPolicy(batch.Continue), batch.WithReport(func(_ context.Context, r batch.Report) {
				wrong, _ = errors.AsType[*batch.DecodeError](r.Failures[0].Err)
			}))
			response, err := batch.Run(source, stored(&s, lanes))
			is.NoErr(err)
			is.Equal(reported(response), "102")
			is.Equal(wrong.ID, "102")
			is.Equal(slices.Sorted(slices.Values(s.data)), []string{"a0", "a1", "c0", "c1"})
		})
	}
	t.Run("settled", func(t *testing.T) {
		is := is.New(t)
		var s seen
		var settled []string
		response, err := batch.Run(batch.Kinesis(t.Context(), e), func(r records) records {
			users := batch.Catch(batch.TryFlatMap(r, kpl.Deaggregate), func(ctx context.Context, err error) error {
				if _, poison := errors.AsType[*batch.DecodeError](err); !poison {
					return err
				}
				r, _ := batch.RecordFrom(ctx)
				settled = append(settled, r.ID)
				return nil
			})
			return batch.TryEach(users, s.store)
		})
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(settled, []string{"102"})
		is.Equal(s.data, []string{"a0", "a1", "c0", "c1"})
	})
}

func TestTheGroupOfAUserRecordIsThatOfItsKinesisRecord(t *testing.T) {
	is := is.New(t)
	users := batch.TryFlatMap(batch.Kinesis(t.Context(), event(packed("a", 2))), kpl.Deaggregate)
	n := 0
	for r := range users {
		value, _ := r.Value()
		is.Equal(r.Record().Group, "a")
		is.Equal(value.Kinesis.PartitionKey, "ada")
		n++
	}
	is.Equal(n, 2)
}
