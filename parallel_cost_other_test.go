//go:build !unix

package batch_test

// workOf returns how long f takes.
func workOf(f func()) float64 { return nanoseconds(f) }
