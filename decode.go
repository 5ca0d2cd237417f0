package batch

// Decode, the payloads that it takes, and the error of what cannot be decoded.

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-lambda-go/events"
)

// Payload is what [Decode] finds bytes in: an SQS body, Kinesis and Firehose
// data, a Kafka value without its base64, or text and bytes as they are.
type Payload interface {
	~string | ~[]byte |
		events.SQSMessage | events.KinesisEventRecord | events.KafkaRecord | events.KinesisFirehoseEventRecord
}

// Decode decodes the payload of every Ready Result into a new T with a function
// like [encoding/json.Unmarshal]; its error makes the Result Failed with a
// [*DecodeError], whatever the function. Others pass by. The function may keep the
// bytes that it gets, but not the pointer.
//
// A Kafka record without a value, a tombstone, has nothing to decode: its error is
// [ErrNoValue], and the function is not called. An empty payload that the function
// refuses is ErrNoValue, too.
//
// For speed and strictness give it a closure over Unmarshal of
// github.com/go-json-experiment/json. Protocol buffers, whose messages are no
// plain values, go through [TryMap].
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
		s(func(r Result[P]) bool { return yield(then(&r, decode, pure)) })
	}
}

// bytesOf returns the bytes of a payload. Those of a string are copied.
func bytesOf[P Payload](payload *P, text *slab[byte]) ([]byte, error) {
	switch p := any(payload).(type) {
	case *events.SQSMessage:
		return copyBytes(p.Body, text), nil
	case *events.KinesisEventRecord:
		return p.Kinesis.Data, nil
	case *events.KafkaRecord:
		if p.Value == "" { // null, missing or empty: the type does not tell
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
	// The language converts a named string or byte slice only where the
	// constraint has no structs in it.
	if v := reflect.ValueOf(*payload); v.Kind() != reflect.String {
		return v.Bytes(), nil
	} else {
		return copyBytes(v.String(), text), nil
	}
}

// undecodable is the error of a payload that does not decode.
func newDecodeError[P Payload](ctx context.Context, payload *P, err error) error {
	e := &DecodeError{Err: err}
	if r, ok := RecordFrom(ctx); ok {
		e.ID = r.ID
	}
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

// blocks makes one allocation serve many small slices. Nothing is handed out
// twice, so whoever keeps a slice disturbs nobody.
type slab[T any] struct {
	maxSize int // elements of one allocation, unless one slice needs more
	free    []T
	size    int
}

func (b *slab[T]) take(n int) []T {
	if n > len(b.free) {
		b.size = min(2*b.size+n, b.maxSize)
		b.free = make([]T, max(b.size, n))
	}
	taken := b.free[:n:n]
	b.free = b.free[n:]
	return taken
}

// DecodeError is the error of a record that cannot be decoded: by a handler that reads the
// event, or by [Decode]. Trying again does not help, so errors.AsType[*DecodeError] is the
// test for poison, whatever the codec.
type DecodeError struct {
	ID    string // of the record, "" if it could not be read either
	Field string // "body", "kinesis.data", "value", …: path within the record, "" for the record as a whole
	Err   error
}

// ErrNoValue is the error, in a [DecodeError], of a record that is legal and has nothing to
// decode: a Kafka record without a value, which is a tombstone, or an empty payload that the
// codec refuses.
var ErrNoValue = errors.New("no value")

// emptyError is the error of an empty payload.
type emptyError struct{ err error }

func (e *emptyError) Error() string   { return ErrNoValue.Error() + ": " + errorText(e.err) }
func (e *emptyError) Unwrap() []error { return []error{ErrNoValue, e.err} }

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
