package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// windowPayload is the event of an invocation of a tumbling window, with one Kinesis record per data.
func windowPayload(t *testing.T, state string, final bool, data ...string) []byte {
	t.Helper()
	records := make([]events.KinesisEventRecord, len(data))
	for i, d := range data {
		records[i].EventSource = "aws:kinesis"
		records[i].Kinesis = events.KinesisRecord{SequenceNumber: strconv.Itoa(100 + i), PartitionKey: "k", Data: []byte(d)}
	}
	encoded, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"Records":%s,"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},
		"state":%s,"shardId":"shard-1","isFinalInvokeForWindow":%t,"isWindowTerminatedEarly":false}`, encoded, state, final)
}

func numbers(s batch.Stream[events.KinesisEventRecord]) batch.Stream[int] {
	return batch.Decode[int](s, json.Unmarshal)
}

func add(sum, n int) int { return sum + n }

func ignore(context.Context, batch.Window, int) error { return nil }

func TestTheStateOfAWindowBeginsAtZero(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisWindowHandler(numbers, add, ignore, quiet)
	for _, state := range []string{"{}", "null", "0"} {
		answer, err := h.Invoke(t.Context(), windowPayload(t, state, false, "1", "2"))
		is.NoErr(err)
		is.Equal(string(answer), `{"state":3,"batchItemFailures":[]}`)
	}
	_, err := h.Invoke(t.Context(), windowPayload(t, `"three"`, false, "1"))
	is.True(err != nil)
	is.True(strings.HasPrefix(err.Error(), "state of the window of shard-1: "))
}

func TestTheStateOfAWindowBeginsAsWhatAnEmptyObjectDecodesInto(t *testing.T) {
	is := is.New(t)
	type sums struct{ Sum, Count int }
	pointer := batch.KinesisWindowHandler(numbers, func(s *sums, n int) *sums { s.Sum += n; s.Count++; return s },
		func(context.Context, batch.Window, *sums) error { return nil }, quiet)
	for _, state := range []string{"{}", "null"} {
		answer, err := pointer.Invoke(t.Context(), windowPayload(t, state, false, "1", "2"))
		is.NoErr(err)
		is.Equal(string(answer), `{"state":{"Sum":3,"Count":2},"batchItemFailures":[]}`)
	}
	counts := batch.KinesisWindowHandler(numbers, func(s map[int]int, n int) map[int]int { s[n]++; return s },
		func(context.Context, batch.Window, map[int]int) error { return nil }, quiet)
	answer, err := counts.Invoke(t.Context(), windowPayload(t, "{}", false, "1", "1"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":{"1":2},"batchItemFailures":[]}`)
}

func TestTheStateOfAWindowIsNeverNull(t *testing.T) {
	is := is.New(t)
	clear := func(map[string]int, int) map[string]int { return nil }
	h := batch.KinesisWindowHandler(numbers, clear, func(context.Context, batch.Window, map[string]int) error { return nil }, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, "null", false, "1"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":{},"batchItemFailures":[]}`)
}

func TestTheStateInTheExampleOfAWSIsRead(t *testing.T) {
	is := is.New(t)
	count := func(s map[string]int, n int) map[string]int {
		if s == nil {
			s = map[string]int{}
		}
		s[strconv.Itoa(n)]++
		return s
	}
	h := batch.KinesisWindowHandler(numbers, count, func(context.Context, batch.Window, map[string]int) error { return nil }, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, `{"1":282}`, false, "1", "2"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":{"1":283,"2":1},"batchItemFailures":[]}`)
}

func TestTheRealWindowEventsAreRead(t *testing.T) {
	is := is.New(t)
	count := func(s map[string]any, _ events.DynamoDBEventRecord) map[string]any {
		n, _ := s["count"].(float64)
		s["count"] = n + 1
		return s
	}
	pass := func(s batch.Stream[events.DynamoDBEventRecord]) batch.Stream[events.DynamoDBEventRecord] { return s }
	h := batch.DynamoDBWindowHandler(pass, count, func(context.Context, batch.Window, map[string]any) error { return nil }, quiet)
	answer, err := h.Invoke(t.Context(), testdata(t, "dynamodb-time-window-event.json"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":{"1":"state1","count":3},"batchItemFailures":[]}`)
}

// testdata reads one of the events that aws-lambda-go has for its own tests.
func testdata(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAWindowClosesWithItsStateAndOnlyAtItsEnd(t *testing.T) {
	is := is.New(t)
	var closed []int
	var window batch.Window
	h := batch.KinesisWindowHandler(numbers, add, func(_ context.Context, w batch.Window, sum int) error {
		closed, window = append(closed, sum), w
		return nil
	}, quiet)
	_, err := h.Invoke(t.Context(), windowPayload(t, "1", false, "1"))
	is.NoErr(err)
	is.Equal(len(closed), 0)
	_, err = h.Invoke(t.Context(), windowPayload(t, "2", true, "3"))
	is.NoErr(err)
	is.Equal(closed, []int{5})
	is.Equal(window.ShardID, "shard-1")
	is.True(window.Final && !window.TerminatedEarly)
	is.Equal(window.End.Sub(window.Start).Minutes(), 2.0)
	_, err = h.Invoke(t.Context(), windowPayload(t, "7", true))
	is.NoErr(err)
	is.Equal(closed, []int{5, 7})
}

func TestAWindowFoldsOnlyRecordsBeforeTheFirstFailure(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisWindowHandler(numbers, add, ignore, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, "10", false, "1", "2", "x", "4"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":13,"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":"103"}]}`)

	h = batch.KinesisWindowHandler(numbers, add, ignore, quiet, batch.WithPolicy(batch.Continue))
	answer, err = h.Invoke(t.Context(), windowPayload(t, "10", false, "1", "2", "x", "4"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":13,"batchItemFailures":[{"itemIdentifier":"102"}]}`) // 4 comes after the failure and is redelivered, so it is not folded
}

func TestAWindowWhoseLastInvocationFailsPartlyIsClosedAgainWithTheRest(t *testing.T) {
	is := is.New(t)
	var closed []int
	h := batch.KinesisWindowHandler(numbers, add, func(_ context.Context, _ batch.Window, sum int) error {
		closed = append(closed, sum)
		return nil
	}, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, "10", true, "1", "x", "4"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":11,"batchItemFailures":[{"itemIdentifier":"101"},{"itemIdentifier":"102"}]}`)
	_, err = h.Invoke(t.Context(), windowPayload(t, "11", true, "3", "4"))
	is.NoErr(err)
	is.Equal(closed, []int{11, 18})
}

func TestAWindowInWhichEverythingFailsIsAnError(t *testing.T) {
	is := is.New(t)
	closed := false
	h := batch.KinesisWindowHandler(numbers, add, func(context.Context, batch.Window, int) error {
		closed = true
		return nil
	}, quiet)
	_, err := h.Invoke(t.Context(), windowPayload(t, "0", true, "x"))
	_, all := errors.AsType[*batch.AllFailedError](err)
	is.True(all)
	is.True(!closed)
}

func TestAnErrorInTheFoldOrTheCloseOfAWindowFailsTheInvocation(t *testing.T) {
	is := is.New(t)
	no := errors.New("no table")
	h := batch.KinesisWindowHandler(numbers, add, func(context.Context, batch.Window, int) error { return no }, quiet)
	_, err := h.Invoke(t.Context(), windowPayload(t, "0", true, "1"))
	is.True(errors.Is(err, no))

	h = batch.KinesisWindowHandler(numbers, add, func(context.Context, batch.Window, int) error { panic("close") }, quiet)
	_, err = h.Invoke(t.Context(), windowPayload(t, "0", true, "1"))
	_, panicked := errors.AsType[*batch.PanicError](err)
	is.True(panicked)

	h = batch.KinesisWindowHandler(numbers, func(int, int) int { panic("fold") }, ignore, quiet)
	_, err = h.Invoke(t.Context(), windowPayload(t, "0", false, "1"))
	_, panicked = errors.AsType[*batch.PanicError](err)
	is.True(panicked)

	unknown := batch.KinesisWindowHandler(numbers, func(float64, int) float64 { return math.NaN() },
		func(context.Context, batch.Window, float64) error { return nil }, quiet)
	answer, err := unknown.Invoke(t.Context(), windowPayload(t, "0", false, "1"))
	is.Equal(len(answer), 0)
	is.True(strings.HasPrefix(err.Error(), "state of the window: json: unsupported value: NaN"))
}

// hostile is a state whose JSON methods panic.
type hostile struct{}

func (hostile) MarshalJSON() ([]byte, error) { panic("marshal") }
func (*hostile) UnmarshalJSON([]byte) error  { panic("unmarshal") }
func (h hostile) with(int) hostile           { return h }

func TestAStateThatPanicsFailsTheInvocation(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisWindowHandler(numbers, hostile.with, func(context.Context, batch.Window, hostile) error { return nil }, quiet)
	for _, state := range []string{"null", "1"} {
		_, err := h.Invoke(t.Context(), windowPayload(t, state, false, "1"))
		_, panicked := errors.AsType[*batch.PanicError](err)
		is.True(panicked)
	}
}

func TestAWindowEventInAPlainHandlerIsAnErrorThatNamesTheWindowHandler(t *testing.T) {
	is := is.New(t)
	payload := []byte(`{"window":{"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:01:00Z"},"state":{},"shardId":"s","Records":[]}`)
	_, err := batch.KinesisHandler(batch.Each(func(context.Context, events.KinesisEventRecord) error { return nil })).Invoke(t.Context(), payload)
	is.True(err != nil && strings.Contains(err.Error(), "KinesisWindowHandler"))
	_, err = batch.DynamoDBHandler(batch.Each(func(context.Context, events.DynamoDBEventRecord) error { return nil })).Invoke(t.Context(), payload)
	is.True(err != nil && strings.Contains(err.Error(), "DynamoDBWindowHandler"))
}
