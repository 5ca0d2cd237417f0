package batchtest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
)

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

func TestARunPrintsAsATable(t *testing.T) {
	drain := func(config batchtest.QueueConfig, n int, handler function) func(*testing.T) *batchtest.Run {
		return func(t *testing.T) *batchtest.Run {
			q := batchtest.NewQueue(config)
			q.Send(numbered(n, "a")...)
			return q.Drain(t.Context(), handler)
		}
	}
	tests := map[string]struct {
		run  func(*testing.T) *batchtest.Run
		want string
	}{
		"listed messages are redelivered": {
			drain(batchtest.QueueConfig{FIFO: true}, 4, listing(once("m-2", "m-3", "m-4"))),
			lines(
				"record          1       2",
				"m-1             ok          deleted",
				"m-2 to m-4 (3)  listed  ok  deleted",
			),
		},
		"a poison message": {
			drain(batchtest.QueueConfig{MaxReceives: 2}, 3, listing(poisoned("m-2"))),
			lines(
				"record  1       2",
				"m-1     ok              deleted",
				"m-2     listed  listed  dead-lettered",
				"m-3     ok              deleted",
			),
		},
		"errors": {
			drain(batchtest.QueueConfig{MaxReceives: 1}, 2, func() function { return failing(anyOf(poisoned("m-1"))) }()),
			lines(
				"record          1",
				"m-1 to m-2 (2)  failed  dead-lettered",
				"invocation 1 failed: no good",
			),
		},
		"a shard's checkpoint": {
			func(t *testing.T) *batchtest.Run {
				shard := batchtest.NewShard(batchtest.ShardConfig{})
				shard.Put(batchtest.Record{}, batchtest.Record{}, batchtest.Record{})
				return shard.Drain(t.Context(), listing(once(shard.Put(batchtest.Record{})[0][:55]+"2")))
			},
			lines(
				"record                  1       2",
				"…000001                 ok          deleted",
				"…000002                 listed  ok  deleted",
				"…000003 to …000004 (2)  again   ok  deleted",
			),
		},
		"many invocations": {
			drain(batchtest.QueueConfig{BatchSize: 1}, 20, responding("")),
			lines(
				"record           1   2   3   4   5   6   7   …  17  18  19  20",
				"m-1              ok                                             deleted",
				"m-2                  ok                                         deleted",
				"m-3                      ok                                     deleted",
				"m-4                          ok                                 deleted",
				"m-5                              ok                             deleted",
				"m-6                                  ok                         deleted",
				"m-7                                      ok                     deleted",
				"m-8 to m-16 (9)                                                 deleted",
				"m-17                                            ok              deleted",
				"m-18                                                ok          deleted",
				"m-19                                                    ok      deleted",
				"m-20                                                        ok  deleted",
			),
		},
		"twelve invocations are not too many": {
			drain(batchtest.QueueConfig{MaxReceives: 12}, 1, listing(poisoned("m-1"))),
			lines(
				"record  1       2       3       4       5       6       7       8       9       10      11      12",
				"m-1     listed  listed  listed  listed  listed  listed  listed  listed  listed  listed  listed  listed  dead-lettered",
			),
		},
		"many errors": {
			drain(batchtest.QueueConfig{MaxReceives: 13}, 1, failing(func([]record) bool { return true })),
			lines(
				"record  1       2       3       4       5       6       7       …  10      11      12      13",
				"m-1     failed  failed  failed  failed  failed  failed  failed     failed  failed  failed  failed  dead-lettered",
				"invocation 1 failed: no good", "invocation 2 failed: no good", "invocation 3 failed: no good",
				"invocation 4 failed: no good", "invocation 5 failed: no good", "invocation 6 failed: no good",
				"invocation 7 failed: no good", "invocation 8 failed: no good", "invocation 9 failed: no good",
				"invocation 10 failed: no good", "and 3 more",
			),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			is.Equal(fmt.Sprint(test.run(t)), test.want)
		})
	}
}

func TestOnlyConsecutiveRecordsAreNamedAsARange(t *testing.T) {
	run := func(ids ...string) string {
		first, _, _ := strings.Cut(fmt.Sprint(&batchtest.Run{
			Invocations: []batchtest.Invocation{{Records: ids, Done: ids}}, Deleted: ids,
		}), "  ok")
		return strings.TrimSpace(strings.Split(first, "\n")[1])
	}
	const uuid = "00000000-0000-4000-8000-00000000000"
	for want, ids := range map[string][]string{
		"m-9 to m-11 (3)":        {"m-9", "m-10", "m-11"},
		"m-3, m-5, m-4":          {"m-3", "m-5", "m-4"},
		"m-1, m-3":               {"m-1", "m-3"},
		"m-2, m-1":               {"m-2", "m-1"},
		"m-1 and 3 more":         {"m-1", "m-3", "m-5", "m-7"},
		"ada, bob":               {"ada", "bob"},
		"a-1, b-2":               {"a-1", "b-2"},
		"…000009 to …00000b (3)": {uuid + "9", uuid + "a", uuid + "b"},
	} {
		is.New(t).Equal(run(ids...), want)
	}
}

func TestListedRecordsAreShownAsLostIfTheResponseIsIgnored(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{IgnoreResponse: true})
	q.Send(numbered(3, "a")...)
	run := q.Drain(t.Context(), listing(poisoned("m-2")))
	is.Equal(run.Invocations[0].Ignored, []string{"m-2"})
	is.Equal(run.String(), lines(
		"record  1",
		"m-1     ok      deleted",
		"m-2     listed  lost",
		"m-3     ok      deleted",
		"listed records are lost: without ReportBatchItemFailures the service ignores the response",
	))
}

func TestARecordFinishedByALaterDeliveryIsNotLost(t *testing.T) {
	is := is.New(t)
	run := &batchtest.Run{Deleted: []string{"m-1"}, Invocations: []batchtest.Invocation{
		{Records: []string{"m-1"}, Ignored: []string{"m-1"}},
		{Records: []string{"m-1"}, Done: []string{"m-1"}},
	}}
	is.True(strings.Contains(run.String(), "m-1     listed  ok  deleted"))
}

func TestTheTableSaysWhyARunEnded(t *testing.T) {
	is := is.New(t)
	run := &batchtest.Run{
		Invocations: []batchtest.Invocation{{
			Records: []string{"m-1"}, Outcome: batchtest.Failure, Err: errors.New("one line\nand another"),
		}},
		Err: batchtest.ErrEndless,
	}
	is.Equal(run.String(), lines(
		"record  1",
		"m-1     failed  still there",
		"invocation 1 failed: one line",
		"ended early: the handler makes no progress",
	))
}

func TestTheTableShowsADeleteThatCameTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, VisibilityTimeout: time.Second})
		q.Send(numbered(1, "a")...)
		slow := true
		run := q.Drain(t.Context(), failing(func([]record) bool {
			if slow {
				time.Sleep(2 * time.Second)
			}
			slow = false
			return false
		}))
		is.Equal(run.String(), lines(
			"record  1      2",
			"m-1     again  ok  deleted",
		))
	})
}

func TestOutcomesHaveNames(t *testing.T) {
	is := is.New(t)
	is.Equal(fmt.Sprint(batchtest.Success, batchtest.Partial, batchtest.Failure, batchtest.Outcome(7)), "success partial failure Outcome(7)")
}
