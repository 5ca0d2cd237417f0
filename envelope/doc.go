// Package envelope takes AWS events out of the messages and records that carry
// them: an SNS notification, an EventBridge event or an S3 notification out of
// an SQS message, CloudWatch Logs out of a Kinesis record.
//
// Its functions fit batch.TryMap, and S3, with several objects a message,
// batch.TryFlatMap:
//
//	func process(messages batch.Stream[events.SQSMessage]) batch.Stream[events.S3EventRecord] {
//		objects := batch.TryFlatMap(messages, envelope.S3)
//		return batch.TryEach(objects, thumbnail)
//	}
//
// They compose where AWS services do: for S3 events that come through an SNS topic and a queue
// it is batch.TryMap with [SNS], then batch.TryFlatMap with [S3].
//
// A record that carries something else fails with a [*batch.DecodeError], like any record that does
// not decode. The [*ContentError] in it says what came. No signature is checked:
// who may write to a queue or a stream is for its policy to say.
package envelope
