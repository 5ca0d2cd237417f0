// Package watch lets batchtest receive the reports of a handler. The user has built the handler, so batchtest cannot
// pass WithReport to it.
package watch

// Key is a context key. The context of an invocation may carry under it one more report function,
// a func(context.Context, batch.Report). It is called after the functions of WithReport, by the same rules.
type Key struct{}
