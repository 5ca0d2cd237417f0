package dynamodbitem

// NewImage, OldImage, Keys and Change: what a caller picks from a record.

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
)

// NewImage returns the item as it was after the change. A REMOVE has none, nor
// has any record of a stream that carries only keys or old images: the error is
// then a [*MissingImageError].
func NewImage[T any](_ context.Context, r events.DynamoDBEventRecord) (T, error) {
	return decode[T](&r, "NewImage", r.Change.NewImage)
}

// OldImage returns the item as it was before the change. An INSERT has none,
// nor has any record of a stream that carries only keys or new images: the
// error is then a [*MissingImageError].
func OldImage[T any](_ context.Context, r events.DynamoDBEventRecord) (T, error) {
	return decode[T](&r, "OldImage", r.Change.OldImage)
}

// Keys returns the key attributes of the item, which every record carries: the
// partition key and, where the table has one, the sort key.
func Keys[T any](_ context.Context, r events.DynamoDBEventRecord) (T, error) {
	return decode[T](&r, "Keys", r.Change.Keys)
}

// Images is an item before and after a change.
type Images[T any] struct {
	Old *T // nil for an INSERT
	New *T // nil for a REMOVE
}

// Change returns the item before and after the change. The image that the kind
// of change cannot have is nil: the old one of an INSERT, the new one of a
// REMOVE. Any other image that is not there is a [*MissingImageError], so that a
// MODIFY is never taken for an INSERT where the stream carries only new images.
// Set the stream's view type to NEW_AND_OLD_IMAGES to have all of them.
func Change[T any](_ context.Context, r events.DynamoDBEventRecord) (Images[T], error) {
	before, err := optional[T](&r, "OldImage", r.Change.OldImage, events.DynamoDBOperationTypeInsert)
	if err != nil {
		return Images[T]{}, err
	}
	after, err := optional[T](&r, "NewImage", r.Change.NewImage, events.DynamoDBOperationTypeRemove)
	if err != nil {
		return Images[T]{}, err
	}
	return Images[T]{Old: before, New: after}, nil
}

// optional is decode for an image that the operation without may lack.
func optional[T any](r *events.DynamoDBEventRecord, name string, item attributeMap, without events.DynamoDBOperationType) (*T, error) {
	if item == nil && r.EventName == string(without) {
		return nil, nil
	}
	value, err := decode[T](r, name, item)
	if err != nil {
		return nil, err
	}
	return &value, nil
}

// A MissingImageError is the error, in a [batch.DecodeError], of a record that lacks the image
// asked for.
type MissingImageError struct {
	Image          string // "NewImage", "OldImage" or "Keys"
	EventName      string // "INSERT", "MODIFY" or "REMOVE"
	StreamViewType string // of the stream, such as "KEYS_ONLY"
	SequenceNumber string // of the record
}

func (e *MissingImageError) Error() string {
	return fmt.Sprintf("no %s (event %q, stream view type %q)", e.Image, e.EventName, e.StreamViewType)
}
