// Package watch lets batchtest hear the reports of a handler whose options it does not choose.
package watch

// Key is the key under which the context of an invocation may carry one more report function,
// a func(context.Context, batch.Report). It is called after those of WithReport, by their rules.
type Key struct{}
