// Package examples has the templates that deploy the functions in the folders
// beside it, for a test to read. The folders are what there is to see:
//
//   - orders: a standard queue, the whole job in four stages
//   - fifo: a FIFO queue, several groups at once and each in its order
//   - router: a queue with several kinds of messages, and a pipeline for each
//   - kinesis: a stream, with poison settled at once and a bulk write
//   - deadletter: poison messages sent to a dead-letter queue with the reason
//   - once: orders that are charged once however often their message comes; a module of its own
//   - around: functions around functions: timeout, retry, circuit breaker, once; a module of its own
//   - traced: a queue whose messages leave traces; a module of its own
package examples

import "embed"

// Templates has the AWS SAM template of each function, as folder/template.yaml, but for
// functions in modules of their own.
//
//go:embed fifo/template.yaml kinesis/template.yaml orders/template.yaml router/template.yaml
var Templates embed.FS
