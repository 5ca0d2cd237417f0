package diagnosis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	visibilityDefault = 30 // seconds
	timeoutDefault    = 3  // seconds
	fewestReceives    = 5
)

func visibilityTimeout(m Mapping) verdict {
	visibility, visibilityOK := m.Source.Queue.VisibilityTimeout.Or(visibilityDefault).Value()
	timeout, timeoutOK := m.Function.Timeout.Or(timeoutDefault).Value()
	window, windowOK := m.BatchWindow.Or(0).Value()
	finding := Finding{
		Resource: m.Source.Resource,
		Fix:      Fix{SetVisibilityTimeout, strconv.Itoa(6*timeout + window)},
		Page:     sqsConfigurePage,
	}
	switch {
	case !visibilityOK || !timeoutOK:
		return undecided(
			question(m.Source.Resource, "The queue's VisibilityTimeout", m.Source.Queue.VisibilityTimeout),
			m.Function.asksTimeout(),
		)
	case visibility < timeout:
		finding.Severity = Error
		finding.Message = fmt.Sprintf("The queue's visibility timeout (%d s) is shorter than the function's timeout (%d s). "+
			"SQS redelivers messages that the function is still processing, and Lambda refuses such a mapping.", visibility, timeout)
		return fail(finding)
	case visibility < 6*timeout+window:
		finding.Severity = Warning
		finding.Message = fmt.Sprintf("The queue's visibility timeout (%d s) is shorter than six times the function's timeout (%d s)%s. "+
			"If Lambda is throttled, messages are redelivered before it can try again.", visibility, timeout, plusWindow(window))
		return fail(finding)
	case !windowOK:
		return undecided(m.asks("MaximumBatchingWindowInSeconds", m.BatchWindow))
	}
	return pass()
}

func plusWindow(window int) string {
	if window == 0 {
		return ""
	}
	return fmt.Sprintf(" plus the batching window (%d s)", window)
}

func redrive(m Mapping) verdict {
	finding := Finding{
		Severity: Warning,
		Resource: m.Source.Resource,
		Fix:      Fix{SetRedrivePolicy, strconv.Itoa(fewestReceives)},
		Page:     sqsConfigurePage,
	}
	receives, ok := m.Source.Queue.MaxReceiveCount.Value()
	deadLetters, told := m.Source.Queue.DeadLetters.Or(false).Value()
	switch {
	case m.Source.Queue.MaxReceiveCount.IsUnset() && deadLetters:
		return verdict{} // dead letters have nowhere else to go
	case m.Source.Queue.MaxReceiveCount.IsUnset() && !told:
		return undecided(question(m.Source.Resource, "Whether the queue is a dead-letter queue", m.Source.Queue.DeadLetters))
	case m.Source.Queue.MaxReceiveCount.IsUnset():
		finding.Message = "The queue has no redrive policy. A message that always fails is redelivered until its retention period ends, " +
			"and then it is lost."
		return fail(finding)
	case !ok:
		return undecided(m.Source.asksMaxReceiveCount())
	case receives < fewestReceives:
		finding.Fix.Property = SetMaxReceiveCount
		finding.Message = fmt.Sprintf("maxReceiveCount is %d. AWS recommends at least 5, because throttled invocations use up receives too: "+
			"good messages end up in the dead-letter queue.", receives)
		return fail(finding)
	}
	return pass()
}

func fifoMaxReceives(m Mapping) verdict {
	queue := m.Source.Queue
	fifo, fifoOK := queue.FIFO.Or(false).Value()
	variables, variablesOK := m.Function.Environment.Or(nil).Value()
	_, countUnread := queue.MaxReceiveCount.Unread()
	switch {
	case fifoOK && !fifo, queue.MaxReceiveCount.IsUnset():
		return verdict{}
	case slices.ContainsFunc(variables, func(v Variable) bool { return carries(v, queue.MaxReceiveCount) }):
		return pass()
	case !fifoOK:
		return undecided(m.Source.asksFIFO())
	case countUnread && queue.MaxReceiveCount.Origin() == "":
		return undecided(m.Source.asksMaxReceiveCount()) // perhaps there is no redrive policy
	case !variablesOK:
		return undecided(question(m.Function.Resource, "The function's Environment", m.Function.Environment))
	}
	return fail(Finding{
		Severity: Hint,
		Message: "No environment variable carries the FIFO queue's maxReceiveCount to the function. Without batch.WithMaxReceives, " +
			"a message that always fails takes the later messages of its group into the dead-letter queue, untried.",
		Resource: m.Function.Resource,
		Fix:      Fix{SetVariable, maxReceivesOf(queue)},
		Page:     fifoPage,
	})
}

// carries reports whether the variable holds maxReceiveCount, judging by its name and origin.
func carries(v Variable, maxReceiveCount Setting[int]) bool {
	origin := maxReceiveCount.Origin()
	return strings.Contains(strings.ToUpper(v.Name), "RECEIVE") || origin != "" && v.Value.Origin() == origin
}

func maxReceivesOf(q Queue) string {
	if count, ok := q.MaxReceiveCount.Value(); ok {
		return strconv.Itoa(count)
	}
	return ""
}
