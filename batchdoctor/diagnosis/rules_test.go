package diagnosis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// fifo returns a mapping of a FIFO queue about which no rule has anything to say.
func fifo() diagnosis.Mapping {
	return diagnosis.Mapping{
		Source: diagnosis.Source{
			Resource: diagnosis.Resource{Name: "Orders"},
			Kind:     diagnosis.SQS,
			Queue: diagnosis.Queue{
				FIFO:              diagnosis.Known(true),
				VisibilityTimeout: diagnosis.Known(70),
				MaxReceiveCount:   diagnosis.Known(5),
			},
		},
		Function: diagnosis.Function{
			Resource:    diagnosis.Resource{Name: "Charge"},
			Timeout:     diagnosis.Known(10),
			Environment: diagnosis.Known([]diagnosis.Variable{{Name: "MAX_RECEIVES"}}),
		},
		ResponseTypes: diagnosis.Known([]string{"ReportBatchItemFailures"}),
	}
}

// stream returns a mapping of a stream about which no rule has anything to say.
func stream() diagnosis.Mapping {
	m := fifo()
	m.Source = diagnosis.Source{Resource: diagnosis.Resource{Name: "Orders"}, Kind: diagnosis.Stream}
	m.BisectOnError = diagnosis.Known(true)
	m.RetryAttempts = diagnosis.Known(0)
	m.OnFailure = diagnosis.Known("GivenUp")
	return m
}

func kafka() diagnosis.Mapping {
	m := fifo()
	m.Source = diagnosis.Source{Resource: diagnosis.Resource{Name: "Orders"}, Kind: diagnosis.Kafka}
	m.ProvisionedPoller = diagnosis.Known(true)
	m.BisectOnError = diagnosis.Known(true)
	m.RetryAttempts = diagnosis.Known(0)
	m.OnFailure = diagnosis.Known("GivenUp")
	return m
}

func examine(m diagnosis.Mapping) diagnosis.Checkup {
	return diagnosis.Examine(diagnosis.Deployment{Mappings: []diagnosis.Mapping{m}})[0]
}

// found lists the findings of a mapping, such as "error batch-size".
func found(m diagnosis.Mapping) string {
	var all []string
	for _, f := range examine(m).Findings {
		all = append(all, fmt.Sprint(f.Severity, " ", f.Rule))
	}
	return strings.Join(all, ", ")
}

func TestGoodMappingsPassTheirRules(t *testing.T) {
	is := is.New(t)
	is.Equal(examine(fifo()).Passed, []diagnosis.Rule{"response-type", "visibility-timeout", "redrive", "fifo-max-receives",
		"batch-window", "batch-size", "function-timeout"})
	is.Equal(examine(stream()).Passed, []diagnosis.Rule{"response-type", "batch-size", "bisect", "retries", "destination",
		"tumbling-window", "function-timeout"})
	is.Equal(examine(kafka()).Passed, []diagnosis.Rule{"response-type", "provisioned-kafka", "batch-size", "bisect", "retries", "destination",
		"function-timeout"})
	is.Equal(found(fifo())+found(stream())+found(kafka()), "")
}

func TestOtherSourcesAreNotChecked(t *testing.T) {
	m := fifo()
	m.Source.Kind = diagnosis.Other
	is.New(t).Equal(len(diagnosis.Examine(diagnosis.Deployment{Mappings: []diagnosis.Mapping{m}})), 0)
}

func TestSettingsDecideAlthoughOthersAreUnknown(t *testing.T) {
	unknown := diagnosis.Unknown[int]("is unknown")
	for name, c := range map[string]struct {
		change func(*diagnosis.Mapping)
		want   string
	}{
		"large batch of a queue of unknown kind": {func(m *diagnosis.Mapping) {
			m.Source.Queue.FIFO, m.BatchSize = diagnosis.Unknown[bool]("is unknown"), diagnosis.Known(11)
			m.BatchWindow = diagnosis.Known(1)
		}, "hint unresolved"},
		"huge batch of a queue of unknown kind": {func(m *diagnosis.Mapping) {
			m.Source.Queue.FIFO, m.BatchSize = diagnosis.Unknown[bool]("is unknown"), diagnosis.Known(10_001)
			m.BatchWindow = diagnosis.Known(1)
		}, "error batch-size, hint unresolved"}, // about batch-window
		"small batch of a queue of unknown kind": {func(m *diagnosis.Mapping) {
			m.Source.Queue.FIFO, m.BatchSize = diagnosis.Unknown[bool]("is unknown"), diagnosis.Known(10)
		}, ""},
		"visibility timeout too short for any window": {func(m *diagnosis.Mapping) {
			m.BatchWindow, m.Source.Queue.VisibilityTimeout = unknown, diagnosis.Known(59)
		}, "warning visibility-timeout, hint unresolved"}, // about batch-window
		"visibility timeout long enough for some windows": {func(m *diagnosis.Mapping) { m.BatchWindow = unknown }, "hint unresolved"},
		"receive count by name": {func(m *diagnosis.Mapping) {
			m.Source.Queue.MaxReceiveCount = unknown
		}, "hint unresolved"}, // about redrive only
		"receive count by origin": {func(m *diagnosis.Mapping) {
			m.Source.Queue.MaxReceiveCount = diagnosis.Known(5).From("parameter N")
			m.Function.Environment = diagnosis.Known([]diagnosis.Variable{{"N", diagnosis.Unknown[string]("is unknown").From("parameter N")}})
		}, ""},
		"receive count of unknown size is passed on to no variable": {func(m *diagnosis.Mapping) {
			m.Source.Queue.MaxReceiveCount = unknown.From("parameter N")
			m.Function.Environment = diagnosis.Unset[[]diagnosis.Variable]()
		}, "hint fifo-max-receives, hint unresolved"},
		"two literals are no passing on": {func(m *diagnosis.Mapping) {
			m.Function.Environment = diagnosis.Known([]diagnosis.Variable{{"N", diagnosis.Known("5")}})
		}, "hint fifo-max-receives"},
		"no redrive policy": {func(m *diagnosis.Mapping) {
			m.Source.Queue.MaxReceiveCount = diagnosis.Unset[int]()
			m.Function.Environment = diagnosis.Unset[[]diagnosis.Variable]()
		}, "warning redrive"},
		"no redrive policy of a dead-letter queue": {func(m *diagnosis.Mapping) {
			m.Source.Queue.MaxReceiveCount, m.Source.Queue.DeadLetters = diagnosis.Unset[int](), diagnosis.Known(true)
		}, ""},
		"redrive policy of a dead-letter queue": {func(m *diagnosis.Mapping) {
			m.Source.Queue.MaxReceiveCount, m.Source.Queue.DeadLetters = diagnosis.Known(4), diagnosis.Known(true)
		}, "warning redrive"},
		"no redrive policy of a queue that may be a dead-letter queue": {func(m *diagnosis.Mapping) {
			m.Source.Queue.MaxReceiveCount, m.Source.Queue.DeadLetters = diagnosis.Unset[int](), diagnosis.Unknown[bool]("is unknown")
		}, "hint unresolved"},
		"unknown environment": {func(m *diagnosis.Mapping) {
			m.Function.Environment = diagnosis.Unknown[[]diagnosis.Variable]("is unknown")
		}, "hint unresolved"},
	} {
		t.Run(name, func(t *testing.T) {
			m := fifo()
			c.change(&m)
			is.New(t).Equal(found(m), c.want)
		})
	}
}

func TestOneLimitOfRetriesIsEnough(t *testing.T) {
	unknown, unlimited, some := diagnosis.Unknown[int]("is unknown"), diagnosis.Known(-1), diagnosis.Known(60)
	for _, c := range []struct {
		attempts, age diagnosis.Setting[int]
		want          string
	}{
		{some, unlimited, ""},
		{unlimited, some, ""},
		{unknown, some, ""},
		{some, unknown, ""},
		{unlimited, unlimited, "warning retries"},
		{diagnosis.Unset[int](), diagnosis.Unset[int](), "warning retries"},
		{unlimited, unknown, "hint unresolved"},
		{unknown, diagnosis.Unset[int](), "hint unresolved"},
	} {
		m := stream()
		m.RetryAttempts, m.RecordAge = c.attempts, c.age
		is.New(t).Equal(found(m), c.want)
	}
}

func TestKafkaNeedsProvisionedModeForPartialResponses(t *testing.T) {
	is := is.New(t)
	m := kafka()
	m.ProvisionedPoller = diagnosis.Unset[bool]()
	is.Equal(found(m), "error provisioned-kafka")
	m.ResponseTypes = diagnosis.Unset[[]string]()
	is.Equal(found(m), "error response-type")
	is.True(strings.Contains(examine(m).Findings[0].Message, "needs ProvisionedPollerConfig too"))
	m.ProvisionedPoller = diagnosis.Known(true)
	is.Equal(found(m), "error response-type")
	is.True(!strings.Contains(examine(m).Findings[0].Message, "ProvisionedPollerConfig")) // it has it
	m.ProvisionedPoller = diagnosis.Unset[bool]()
	m.ResponseTypes = diagnosis.Unknown[[]string]("is unknown")
	is.Equal(found(m), "hint unresolved")
	is.Equal(examine(m).Findings[0].Message, "The mapping's FunctionResponseTypes is unknown. Not checked: response-type, provisioned-kafka.")
}

func TestInProvisionedModeKafkaNeedsLimitsOfRetries(t *testing.T) {
	is := is.New(t)
	unlimited := kafka()
	unlimited.BisectOnError, unlimited.RetryAttempts = diagnosis.Unset[bool](), diagnosis.Unset[int]()
	is.Equal(found(unlimited), "warning bisect") // ten retries, because of the destination
	unlimited.OnFailure = diagnosis.Unknown[string]("is unknown")
	is.Equal(found(unlimited), "warning bisect, hint unresolved")
	is.True(strings.Contains(examine(unlimited).Findings[1].Message, "Not checked: retries, destination."))
	unlimited.OnFailure = diagnosis.Unset[string]()
	is.Equal(found(unlimited), "warning bisect, warning retries, warning destination")
	is.True(strings.Contains(examine(unlimited).Findings[1].Message, "blocks its partition"))
	limited := unlimited
	limited.RetryAttempts, limited.OnFailure = diagnosis.Known(5), diagnosis.Unknown[string]("is unknown")
	is.Equal(examine(limited).Passed, []diagnosis.Rule{"response-type", "provisioned-kafka", "batch-size", "retries", "function-timeout"})
	unlimited.ProvisionedPoller = diagnosis.Unset[bool]() // then there are no such settings
	is.Equal(found(unlimited), "error provisioned-kafka")
}

func TestItMayBeUnknownWhetherKafkaIsInProvisionedMode(t *testing.T) {
	is := is.New(t)
	m := kafka()
	m.ProvisionedPoller, m.BisectOnError = diagnosis.Unknown[bool]("is unknown"), diagnosis.Unset[bool]()
	is.Equal(found(m), "hint unresolved")
	is.Equal(examine(m).Findings[0].Message,
		"The mapping's ProvisionedPollerConfig is unknown. Not checked: provisioned-kafka, bisect, retries, destination.")
}

func TestAFIFOQueueTakesNoBatchingWindow(t *testing.T) {
	standard, fifoQueue, unknownQueue := diagnosis.Known(false), diagnosis.Known(true), diagnosis.Unknown[bool]("is unknown")
	unknown := diagnosis.Unknown[int]("is unknown")
	for _, c := range []struct {
		fifo   diagnosis.Setting[bool]
		window diagnosis.Setting[int]
		want   string
	}{
		{fifoQueue, diagnosis.Known(1), "error batch-window"},
		{fifoQueue, diagnosis.Known(0), "ok"},
		{fifoQueue, diagnosis.Unset[int](), "ok"},
		{fifoQueue, unknown, "The mapping's MaximumBatchingWindowInSeconds"},
		{standard, diagnosis.Known(1), "ok"},
		{standard, unknown, "ok"},
		{diagnosis.Unset[bool](), diagnosis.Known(1), "ok"},
		{unknownQueue, diagnosis.Known(1), "The queue's FifoQueue"},
		{unknownQueue, diagnosis.Known(0), "ok"},
		{unknownQueue, unknown, "The mapping's MaximumBatchingWindowInSeconds, The queue's FifoQueue"},
	} {
		m := fifo()
		m.Source.Queue.FIFO, m.BatchWindow = c.fifo, c.window
		m.Source.Queue.VisibilityTimeout = diagnosis.Known(1000)
		checkup := examine(m)
		var got []string
		if slices.Contains(checkup.Passed, diagnosis.BatchWindow) {
			got = append(got, "ok")
		}
		for _, f := range checkup.Findings {
			subject, _, _ := strings.Cut(f.Message, " is unknown")
			switch {
			case f.Rule == diagnosis.BatchWindow:
				got = append(got, "error batch-window")
				is.New(t).Equal(f.Fix, diagnosis.Fix{Property: diagnosis.SetBatchWindow, Value: "0"})
			case strings.Contains(f.Message, "batch-window"):
				got = append(got, subject)
			}
		}
		is.New(t).Equal(strings.Join(got, ", "), c.want)
	}
}

func TestAWindowNamesTheHandlerOfItsSource(t *testing.T) {
	for kind, handler := range map[diagnosis.Kind]string{
		diagnosis.Kinesis: "batch.KinesisWindowHandler", diagnosis.DynamoDB: "batch.DynamoDBWindowHandler",
	} {
		m := stream()
		m.Source.Kind, m.TumblingWindow = kind, diagnosis.Known(60)
		is.New(t).True(strings.Contains(examine(m).Findings[0].Message, handler))
	}
}

// firehose has two checks: of the buffer and of the timeout.
func TestARulePassesOnlyIfAllItsChecksDo(t *testing.T) {
	unknown := diagnosis.Unknown[int]("is unknown")
	silent := []diagnosis.Rule{diagnosis.Unresolved}
	for name, c := range map[string]struct {
		timeout diagnosis.Setting[int]
		ignored []diagnosis.Rule
		passed  []diagnosis.Rule
	}{
		"both":            {diagnosis.Known(60), nil, []diagnosis.Rule{diagnosis.Firehose}},
		"one":             {diagnosis.Known(59), nil, nil},
		"one, as told":    {unknown, nil, nil},
		"one, in silence": {unknown, silent, nil},
	} {
		t.Run(name, func(t *testing.T) {
			transformation := diagnosis.Transformation{Function: diagnosis.Function{Timeout: c.timeout}}
			transformation.Ignored = c.ignored
			checkup := diagnosis.Examine(diagnosis.Deployment{Transformations: []diagnosis.Transformation{transformation}})[0]
			is.New(t).True(slices.Equal(checkup.Passed, c.passed))
		})
	}
}

func TestASilencedGapIsListedAsSuch(t *testing.T) {
	is := is.New(t)
	silent := diagnosis.Resource{Name: "Loop", Ignored: []diagnosis.Rule{diagnosis.Unresolved}}
	checkups := diagnosis.Examine(diagnosis.Deployment{Gaps: []diagnosis.Gap{{Resource: silent, Reason: "is not evaluated"}}})
	is.Equal(len(checkups[0].Findings), 0)
	is.Equal(checkups[0].Silenced, []diagnosis.Rule{diagnosis.Unresolved})
}

func TestAGapIsUnresolved(t *testing.T) {
	gap := diagnosis.Gap{Resource: diagnosis.Resource{Name: "Loop", File: "template.yaml", Line: 7}, Reason: "is not evaluated"}
	findings := diagnosis.Findings(diagnosis.Examine(diagnosis.Deployment{Gaps: []diagnosis.Gap{gap}}))
	is.New(t).Equal(findings, []diagnosis.Finding{{
		Source: "Loop", Rule: diagnosis.Unresolved, Severity: diagnosis.Hint, Resource: gap.Resource,
		Message: "Loop is not evaluated. Its event source mappings were not checked.",
	}})
}

// For any settings, each rule passes, fails or is named in a hint.
func TestNoSettingIsPassedOverInSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Custom(func(t *rapid.T) diagnosis.Setting[int] {
			switch rapid.IntRange(0, 2).Draw(t, "state") {
			case 0:
				return diagnosis.Unset[int]()
			case 1:
				return diagnosis.Unknown[int]("is unknown")
			}
			return diagnosis.Known(rapid.IntRange(-1, 20_000).Draw(t, "value"))
		})
		m := rapid.SampledFrom([]diagnosis.Mapping{fifo(), stream(), kafka()}).Draw(t, "source")
		rules := examine(m).Passed
		m.BatchSize, m.BatchWindow = number.Draw(t, "size"), number.Draw(t, "window")
		m.RetryAttempts, m.RecordAge = number.Draw(t, "attempts"), number.Draw(t, "age")
		m.TumblingWindow, m.Function.Timeout = number.Draw(t, "tumbling"), number.Draw(t, "timeout")
		m.Source.Queue.VisibilityTimeout = number.Draw(t, "visibility")
		mayBeUnknown(t, "poller", &m.ProvisionedPoller)
		mayBeUnknown(t, "FIFO", &m.Source.Queue.FIFO)
		mayBeUnknown(t, "types", &m.ResponseTypes)
		mayBeUnknown(t, "bisect", &m.BisectOnError)
		mayBeUnknown(t, "destination", &m.OnFailure)
		mayBeUnknown(t, "receives", &m.Source.Queue.MaxReceiveCount)
		mayBeUnknown(t, "environment", &m.Function.Environment)
		c := examine(m)
		for _, rule := range rules {
			told := slices.ContainsFunc(c.Findings, func(f diagnosis.Finding) bool {
				return f.Rule == rule || f.Rule == diagnosis.Unresolved && strings.Contains(f.Message, string(rule))
			})
			if !told && !slices.Contains(c.Passed, rule) {
				t.Fatalf("nothing is said of %s", rule)
			}
		}
	})
}

func mayBeUnknown[T any](t *rapid.T, name string, s *diagnosis.Setting[T]) {
	if rapid.IntRange(0, 3).Draw(t, name) == 0 {
		*s = diagnosis.Unknown[T]("is unknown")
	}
}
