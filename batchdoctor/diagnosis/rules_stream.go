package diagnosis

import "fmt"

const unlimited = -1

func bisect(m Mapping) verdict {
	on, ok := m.BisectOnError.Or(false).Value()
	switch {
	case !ok:
		return undecided(question(m.Resource, "The mapping's BisectBatchOnFunctionError", m.BisectOnError))
	case on:
		return pass()
	}
	return fail(Finding{
		Severity: Warning,
		Message: "BisectBatchOnFunctionError is not true. If a poison record fails its whole batch, Lambda retries and gives up the batch " +
			"as a whole, good records included.",
		Resource: m.Resource,
		Fix:      Fix{SetBisect, "true"},
		Page:     retriesPage(m.Source.Kind),
	})
}

func retries(m Mapping) verdict {
	attempts, attemptsOK := m.RetryAttempts.Or(unlimited).Value()
	age, ageOK := m.RecordAge.Or(unlimited).Value()
	ordered := "shard"
	if m.Source.Kind == Kafka {
		ordered = "partition"
	}
	switch {
	case attemptsOK && attempts >= 0, ageOK && age >= 0:
		return pass()
	case m.Source.Kind == Kafka && !m.OnFailure.IsUnset():
		return destination(m) // with one, Lambda limits the retries to ten
	case !attemptsOK || !ageOK:
		return undecided(m.asks("MaximumRetryAttempts", m.RetryAttempts), m.asks("MaximumRecordAgeInSeconds", m.RecordAge))
	}
	return fail(Finding{
		Severity: Warning,
		Message: fmt.Sprintf("MaximumRetryAttempts and MaximumRecordAgeInSeconds are both unlimited. "+
			"A poison record blocks its %s until it expires.", ordered),
		Resource: m.Resource,
		Fix:      Fix{SetRetryAttempts, "5"},
		Page:     retriesPage(m.Source.Kind),
	})
}

func destination(m Mapping) verdict {
	_, ok := m.OnFailure.Value()
	_, unread := m.OnFailure.Unread()
	switch {
	case ok:
		return pass()
	case unread:
		return undecided(question(m.Resource, "The mapping's DestinationConfig", m.OnFailure))
	}
	return fail(Finding{
		Severity: Warning,
		Message:  "The mapping has no on-failure destination. Records that are given up leave no trace.",
		Resource: m.Resource,
		Fix:      Fix{SetOnFailure, ""},
		Page:     onFailurePage(m.Source.Kind),
	})
}

func tumblingWindow(m Mapping) verdict {
	window, ok := m.TumblingWindow.Or(0).Value()
	switch {
	case !ok:
		return undecided(m.asks("TumblingWindowInSeconds", m.TumblingWindow))
	case window <= 0:
		return pass()
	}
	handler := "Kinesis"
	if m.Source.Kind == DynamoDB {
		handler = "DynamoDB"
	}
	return fail(Finding{
		Severity: Hint,
		Message: fmt.Sprintf("The mapping has a tumbling window (%d s). batch.%[2]sHandler refuses its events: "+
			"use batch.%[2]sWindowHandler, and ignore this rule if you do.", window, handler),
		Resource: m.Resource,
		Page:     windowPage(m.Source.Kind),
	})
}
