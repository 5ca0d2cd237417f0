package batch

// Decode, the types that it decodes, and the errors of records that cannot be decoded.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch/internal/printable"
)

// Payload lists the types that [Decode] gets bytes from. These are the body of an SQS
// message, the data of a Kinesis or Firehose record, and the value of a Kafka record
// after base64 decoding. Strings and byte slices are the bytes themselves.
type Payload interface {
	~string | ~[]byte |
		events.SQSMessage | events.KinesisEventRecord | events.KafkaRecord | events.KinesisFirehoseEventRecord
}

// Decode replaces the value of every ready result by a T that unmarshal, such as
// [encoding/json.Unmarshal], has decoded from its bytes (see [Payload]). An error of
// unmarshal makes the result Failed with a [*DecodeError]. Results that are not ready pass
// through unchanged. See [Then] for when unmarshal is not called, and for what a panic does.
//
// A Kafka record without a value is called a tombstone. Decode does not call unmarshal for
// it; the error in the DecodeError is [ErrNoValue]. If unmarshal fails for an empty
// payload, the DecodeError contains ErrNoValue, too.
//
// unmarshal may keep the bytes, but not the pointer: Decode uses the same pointer for every
// record. For speed and strictness, pass a function literal that calls Unmarshal of
// github.com/go-json-experiment/json. Unlike encoding/json, it leaves a field zero, without an
// error, if its name in the JSON differs in case. Protocol buffer messages must not be copied, so
// decode those with [TryMap].
func Decode[T any, P Payload](s Stream[P], unmarshal func([]byte, any) error) Stream[T] {
	requireStage("Decode", "unmarshal", s, unmarshal != nil)
	return func(yield func(Result[T]) bool) {
		text := slab[byte]{maxSize: 32 << 10}
		value := new(T) // one for all, since every Result gets a copy
		decode := func(ctx context.Context, p P) (T, error) {
			*value = *new(T)
			data, err := bytesOf(&p, &text)
			if err == nil {
				if err = unmarshal(data, value); err != nil && len(data) == 0 {
					err = &emptyError{err}
				}
			}
			if err != nil {
				err = newDecodeError(ctx, &p, err)
			}
			return *value, err
		}
		s(func(r Result[P]) bool {
			var out Result[T]
			then(&r, &out, decode, pure)
			return yield(out)
		})
	}
}

// bytesOf returns the bytes of a payload. The bytes of a string are copied to text.
func bytesOf[P Payload](payload *P, text *slab[byte]) ([]byte, error) {
	switch p := any(payload).(type) {
	case *events.SQSMessage:
		return copyBytes(p.Body, text), nil
	case *events.KinesisEventRecord:
		return p.Kinesis.Data, nil
	case *events.KafkaRecord:
		if p.Value == "" { // null, missing or empty: events.KafkaRecord does not say which
			return nil, ErrNoValue
		}
		return base64.StdEncoding.DecodeString(p.Value)
	case *events.KinesisFirehoseEventRecord:
		return p.Data, nil
	case *string:
		return copyBytes(*p, text), nil
	case *[]byte:
		return *p, nil
	}
	// A named string or byte slice cannot be converted, because the constraint also
	// allows structs.
	v := reflect.ValueOf(*payload)
	if v.Kind() == reflect.String {
		return copyBytes(v.String(), text), nil
	}
	return v.Bytes(), nil
}

// newDecodeError adds to err which record and which field could not be decoded.
func newDecodeError[P Payload](ctx context.Context, payload *P, err error) error {
	r, _ := RecordFrom(ctx)
	e := &DecodeError{ID: r.ID, Err: err}
	switch any(payload).(type) {
	case *events.SQSMessage:
		e.Field = "body"
	case *events.KinesisEventRecord:
		e.Field = "kinesis.data"
	case *events.KafkaRecord:
		e.Field = "value"
	case *events.KinesisFirehoseEventRecord:
		e.Field = "data"
	}
	return e
}

func copyBytes(s string, text *slab[byte]) []byte {
	b := text.take(len(s))
	copy(b, s)
	return b
}

// DecodeError is the error of a record that cannot be decoded. A [Handler], [Decode],
// package envelope and the modules kpl and dynamodbitem return it, and so may functions of
// your own. Trying again cannot help, so it marks a poison record:
//
//	_, poison := errors.AsType[*batch.DecodeError](err)
type DecodeError struct {
	ID    string // the ID of the record; "" if it could not be read, or if a function of yours left it out
	Field string // the path within the record: "body", "kinesis.data", "value", …; "" for the whole record, or if Decode got strings or bytes
	Err   error  // what is wrong
}

func (e *DecodeError) Error() string {
	if e == nil {
		return "undecodable"
	}
	if e.Field == "" {
		return fmt.Sprint(e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Field, e.Err)
}

func (e *DecodeError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// ErrNoValue is the error in the [DecodeError] of a valid record that has nothing to
// decode. It is either a Kafka record without a value, called a tombstone, or an empty
// payload that the function given to [Decode] refuses.
var ErrNoValue = errors.New("no value")

// emptyError is the error of an empty payload that unmarshal has refused with err.
type emptyError struct{ err error }

func (e *emptyError) Error() string   { return ErrNoValue.Error() + ": " + printable.ErrorText(e.err) }
func (e *emptyError) Unwrap() []error { return []error{ErrNoValue, e.err} }
