package diagnosis

import (
	"fmt"
	"strconv"
)

const (
	shortestTimeout         = 5  // seconds; below, the reserve of 500 ms is more than a tenth
	shortestFirehoseTimeout = 60 // seconds
	largestFirehoseBuffer   = 3  // MB
	firehoseBuffer          = 1  // MB
)

func functionTimeout(m Mapping) verdict {
	timeout, ok := m.Function.Timeout.Or(timeoutDefault).Value()
	switch {
	case !ok:
		return undecided(m.Function.asksTimeout())
	case timeout >= shortestTimeout:
		return pass()
	}
	return fail(Finding{
		Severity: Hint,
		Message: fmt.Sprintf("The function's timeout is %d s. "+
			"The library keeps 500 ms of it back for responding, which leaves little time for a batch.", timeout),
		Resource: m.Function.Resource,
		Fix:      Fix{SetTimeout, "30"},
		Page:     timeoutPage,
	})
}

func transformationRules() []check[Transformation] {
	return []check[Transformation]{{Firehose, firehoseBufferSize}, {Firehose, firehoseTimeout}}
}

func firehoseBufferSize(t Transformation) verdict {
	size, ok := t.BufferSize.Or(firehoseBuffer).Value()
	switch {
	case !ok:
		return undecided(question(t.Resource, "The processor's BufferSizeInMBs", t.BufferSize))
	case size <= largestFirehoseBuffer:
		return pass()
	}
	return fail(Finding{
		Severity: Warning,
		Message: fmt.Sprintf("The buffer before the function has %s MB, and Firehose allows at most 3. Data grows by a third in base64, "+
			"and a response of more than 6 MB fails the whole batch.", strconv.FormatFloat(size, 'g', -1, 64)),
		Resource: t.Resource,
		Fix:      Fix{SetFirehoseBuffer, "1"},
		Page:     firehosePage,
	})
}

func firehoseTimeout(t Transformation) verdict {
	timeout, ok := t.Function.Timeout.Or(timeoutDefault).Value()
	switch {
	case !ok:
		return undecided(t.Function.asksTimeout())
	case timeout >= shortestFirehoseTimeout:
		return pass()
	}
	return fail(Finding{
		Severity: Warning,
		Message: fmt.Sprintf("The function's timeout is %d s. AWS recommends at least a minute: records that are not transformed in time "+
			"are not delivered.", timeout),
		Resource: t.Function.Resource,
		Fix:      Fix{SetTimeout, strconv.Itoa(shortestFirehoseTimeout)},
		Page:     firehosePage,
	})
}
