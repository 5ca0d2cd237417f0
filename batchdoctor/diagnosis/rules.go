package diagnosis

import (
	"fmt"
	"slices"
)

// mappingRules returns the checks for a source, in the order in which findings are listed.
func mappingRules(kind Kind) []check[Mapping] {
	rules := []check[Mapping]{{ResponseType, responseType}}
	switch kind {
	case SQS:
		rules = append(rules,
			check[Mapping]{VisibilityTimeout, visibilityTimeout},
			check[Mapping]{Redrive, redrive},
			check[Mapping]{FIFOMaxReceives, fifoMaxReceives},
			check[Mapping]{BatchWindow, batchWindow},
			check[Mapping]{BatchSize, queueBatchSize},
		)
	case Kafka:
		rules = append(rules,
			check[Mapping]{ProvisionedKafka, provisionedKafka},
			check[Mapping]{BatchSize, streamBatchSize},
			check[Mapping]{Bisect, inProvisionedMode(bisect)},
			check[Mapping]{Retries, inProvisionedMode(retries)},
			check[Mapping]{Destination, inProvisionedMode(destination)},
		)
	default:
		rules = append(rules,
			check[Mapping]{BatchSize, streamBatchSize},
			check[Mapping]{Bisect, bisect},
			check[Mapping]{Retries, retries},
			check[Mapping]{Destination, destination},
			check[Mapping]{TumblingWindow, tumblingWindow},
		)
	}
	return append(rules, check[Mapping]{FunctionTimeout, functionTimeout})
}

const reportFailures = "ReportBatchItemFailures"

func responseType(m Mapping) verdict {
	types, ok := m.ResponseTypes.Or(nil).Value()
	switch {
	case !ok:
		return undecided(question(m.Resource, "The mapping's FunctionResponseTypes", m.ResponseTypes))
	case slices.Contains(types, reportFailures):
		return pass()
	}
	return fail(Finding{
		Severity: Error,
		Message:  "FunctionResponseTypes does not contain ReportBatchItemFailures. Lambda ignores the function's response, " + lost(m) + ".",
		Resource: m.Resource,
		Fix:      Fix{SetResponseTypes, reportFailures},
		Page:     responsePage(m.Source.Kind),
	})
}

func lost(m Mapping) string {
	if m.Source.Kind == SQS {
		return "so failed messages are deleted with the rest of the batch"
	}
	const skipped = "so failed records are skipped with the rest of the batch"
	if provisioned, _ := m.ProvisionedPoller.Value(); m.Source.Kind == Kafka && !provisioned {
		return skipped + " (for Kafka, it needs ProvisionedPollerConfig too)"
	}
	return skipped
}

func provisionedKafka(m Mapping) verdict {
	types, ok := m.ResponseTypes.Or(nil).Value()
	if ok && !slices.Contains(types, reportFailures) {
		return verdict{} // response-type says so
	}
	provisioned, known := m.ProvisionedPoller.Or(false).Value()
	switch {
	case provisioned:
		return pass()
	case !ok || !known:
		return undecided(
			question(m.Resource, "The mapping's FunctionResponseTypes", m.ResponseTypes),
			question(m.Resource, "The mapping's ProvisionedPollerConfig", m.ProvisionedPoller),
		)
	}
	return fail(Finding{
		Severity: Error,
		Message:  "The mapping has no ProvisionedPollerConfig. Lambda supports ReportBatchItemFailures for Kafka in provisioned mode only.",
		Resource: m.Resource,
		Fix:      Fix{SetProvisionedPoller, "1"},
		Page:     kafkaPage,
	})
}

// inProvisionedMode makes a rule for Kafka. Only in provisioned mode are there settings for retries.
func inProvisionedMode(rule func(Mapping) verdict) func(Mapping) verdict {
	return func(m Mapping) verdict {
		switch provisioned, known := m.ProvisionedPoller.Or(false).Value(); {
		case !known:
			return undecided(question(m.Resource, "The mapping's ProvisionedPollerConfig", m.ProvisionedPoller))
		case provisioned:
			return rule(m)
		}
		return verdict{}
	}
}

const (
	largestBatch     = 10_000
	largestFIFOBatch = 10
	sqsBatch         = 10 // by default, and the largest without a window
	streamBatch      = 100
)

func batchWindow(m Mapping) verdict {
	size, sizeOK := m.BatchSize.Or(sqsBatch).Value()
	window, windowOK := m.BatchWindow.Or(0).Value()
	fifo, fifoOK := m.Source.Queue.FIFO.Or(false).Value()
	switch {
	case fifo && window >= 1:
		return windowOfFIFO(m, window)
	case !fifoOK && window >= 1, (fifo || !fifoOK) && !windowOK:
		return undecided(m.Source.asksFIFO(), m.asks("MaximumBatchingWindowInSeconds", m.BatchWindow))
	case fifo, sizeOK && size <= sqsBatch, windowOK && window >= 1:
		return pass()
	case !sizeOK || !windowOK:
		return undecided(m.asks("BatchSize", m.BatchSize), m.asks("MaximumBatchingWindowInSeconds", m.BatchWindow))
	}
	return fail(Finding{
		Severity: Error,
		Message: fmt.Sprintf("BatchSize is %d, and there is no batching window. "+
			"Lambda refuses more than 10 messages per batch unless MaximumBatchingWindowInSeconds is at least 1.", size),
		Resource: m.Resource,
		Fix:      Fix{SetBatchWindow, "1"},
		Page:     sqsParametersPage,
	})
}

func windowOfFIFO(m Mapping, window int) verdict {
	return fail(Finding{
		Severity: Error,
		Message:  fmt.Sprintf("The mapping has a batching window (%d s), and the queue is a FIFO queue. Lambda refuses that.", window),
		Resource: m.Resource,
		Fix:      Fix{SetBatchWindow, "0"},
		Page:     sqsParametersPage,
	})
}

func queueBatchSize(m Mapping) verdict {
	size, ok := m.BatchSize.Or(sqsBatch).Value()
	fifo, fifoOK := m.Source.Queue.FIFO.Or(false).Value()
	switch {
	case !ok:
		return undecided(m.asks("BatchSize", m.BatchSize))
	case size <= largestFIFOBatch:
		return pass()
	case size > largestBatch && !fifo:
		return tooLarge(m, size, largestBatch, "an SQS queue")
	case !fifoOK:
		return undecided(m.Source.asksFIFO())
	case fifo:
		return tooLarge(m, size, largestFIFOBatch, "a FIFO queue")
	}
	return pass()
}

func streamBatchSize(m Mapping) verdict {
	size, ok := m.BatchSize.Or(streamBatch).Value()
	switch {
	case !ok:
		return undecided(m.asks("BatchSize", m.BatchSize))
	case size <= largestBatch:
		return pass()
	}
	return tooLarge(m, size, largestBatch, "this source")
}

func tooLarge(m Mapping, size, limit int, source string) verdict {
	return fail(Finding{
		Severity: Error,
		Message:  fmt.Sprintf("BatchSize is %d. Lambda refuses more than %d for %s.", size, limit, source),
		Resource: m.Resource,
		Fix:      Fix{SetBatchSize, fmt.Sprint(limit)},
		Page:     parametersPage(m.Source.Kind),
	})
}
