package dynamodbitem

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
)

// NewImage returns the item as it was after the change. If the record has no new image, the error is a
// [*MissingImageError] inside a [*batch.DecodeError]. A REMOVE never has one, nor does any record of a
// KEYS_ONLY or OLD_IMAGE stream.
func NewImage[T any](_ context.Context, r events.DynamoDBEventRecord) (T, error) {
	return decode[T](&r, "NewImage", r.Change.NewImage)
}

// OldImage returns the item as it was before the change. If the record has no old image, the error is a
// [*MissingImageError] inside a [*batch.DecodeError]. An INSERT never has one, nor does any record of a
// KEYS_ONLY or NEW_IMAGE stream.
func OldImage[T any](_ context.Context, r events.DynamoDBEventRecord) (T, error) {
	return decode[T](&r, "OldImage", r.Change.OldImage)
}

// Keys returns the item's key attributes: the partition key and, if the table has one, the sort key. Every
// record has them.
func Keys[T any](_ context.Context, r events.DynamoDBEventRecord) (T, error) {
	return decode[T](&r, "Keys", r.Change.Keys)
}

// Images is an item before and after a change.
type Images[T any] struct {
	Old *T // nil for an INSERT
	New *T // nil for a REMOVE
}

// Change returns the item before and after the change. Old is nil for an INSERT, and New is nil for a REMOVE.
// Any other missing image is a [*MissingImageError] inside a [*batch.DecodeError]: otherwise a MODIFY would
// look like an INSERT if the stream carries only new images. Set the stream's view type to NEW_AND_OLD_IMAGES.
func Change[T any](_ context.Context, r events.DynamoDBEventRecord) (Images[T], error) {
	before, err := decodeOptional[T](&r, "OldImage", r.Change.OldImage, events.DynamoDBOperationTypeInsert)
	if err != nil {
		return Images[T]{}, err
	}
	after, err := decodeOptional[T](&r, "NewImage", r.Change.NewImage, events.DynamoDBOperationTypeRemove)
	if err != nil {
		return Images[T]{}, err
	}
	return Images[T]{Old: before, New: after}, nil
}

// decodeOptional returns nil if the image is missing and the event is absentIn.
func decodeOptional[T any](r *events.DynamoDBEventRecord, name string, image eventItem, absentIn events.DynamoDBOperationType) (*T, error) {
	if image == nil && r.EventName == string(absentIn) {
		return nil, nil
	}
	value, err := decode[T](r, name, image)
	if err != nil {
		return nil, err
	}
	return &value, nil
}

// A MissingImageError says which image a record lacks. Functions return it inside a [batch.DecodeError].
type MissingImageError struct {
	Image          string // "NewImage", "OldImage" or "Keys"
	EventName      string // "INSERT", "MODIFY" or "REMOVE"
	StreamViewType string // such as "KEYS_ONLY"
	SequenceNumber string // identifies the record
}

func (e *MissingImageError) Error() string {
	return fmt.Sprintf("no %s (event %q, stream view type %q)", e.Image, e.EventName, e.StreamViewType)
}
