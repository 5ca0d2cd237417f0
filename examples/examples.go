// Package examples has the AWS SAM templates of the functions in its folders. README.md lists the folders
// in the order in which to read them:
//
//  1. hello: the smallest handler, one function per message
//  2. orders: the whole job on a standard queue, in four stages
//  3. fifo: a FIFO queue, several groups at once and each in its order
//  4. kinesis: a stream, with poison records settled at once and bulk writes
//  5. bulk: slow calls side by side in lanes, then bulk writes
//  6. router: several kinds of messages in one queue, each with its own pipeline
//  7. deadletter: poison messages sent to a dead-letter queue, with the reason
//  8. once: orders that are charged once, however often their messages are delivered; a module
//  9. traced: a queue whose messages leave OpenTelemetry traces; a module
//  10. firehose: a Firehose transformation, with partition keys
//  11. window: tumbling windows over a stream, with a state
//
// Two more folders are not functions: around has functions around functions (timeout, retry, circuit
// breaker, once), and templates tests the templates. Both are modules.
package examples

import "embed"

// Templates has the template of each function, as folder/template.yaml. Templates of functions that are
// modules cannot be embedded here.
//
//go:embed bulk/template.yaml deadletter/template.yaml fifo/template.yaml firehose/template.yaml
//go:embed hello/template.yaml kinesis/template.yaml orders/template.yaml router/template.yaml
//go:embed window/template.yaml
var Templates embed.FS
