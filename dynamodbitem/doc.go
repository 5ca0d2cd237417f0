// Package dynamodbitem turns the records of a DynamoDB stream into Go values.
//
// Its functions fit batch.TryMap:
//
//	func process(records batch.Stream[events.DynamoDBEventRecord]) batch.Stream[Order] {
//		orders := batch.TryMap(records, dynamodbitem.NewImage[Order])
//		return batch.TryEach(orders, index)
//	}
//
// # What a record brings
//
// The stream's view type and the kind of change decide which images there are:
//
//	            NEW_IMAGE   OLD_IMAGE   NEW_AND_OLD_IMAGES   KEYS_ONLY
//	INSERT      new         -           new                  -
//	MODIFY      new         old         new and old          -
//	REMOVE      -           old         old                  -
//
// The keys are always there. A missing image is a [*MissingImageError], so a
// REMOVE fails under [NewImage] unless a batch.Filter has settled it before.
//
// # How attributes become fields
//
// The rules are those of the SDK's attributevalue.Unmarshal: the struct tag is
// dynamodbav, names match without regard to case, unknown attributes are left
// out, and a null is the zero value. A number that lands in an any is a
// float64, too small for the 38 digits that DynamoDB keeps; give the field the
// type attributevalue.Number to have them all. With
// map[string]types.AttributeValue as T the item comes as the SDK writes it, for
// a copy to another table.
//
// Errors are a [*batch.DecodeError], as those of batch.Decode are. If an attribute
// does not fit its field, the error names it: "dynamodb.NewImage.lines.1.count: …".
//
// Whatever the attributes are, no function of this package panics. Where the
// SDK or a type's own UnmarshalDynamoDBAttributeValue does, as for a binary of
// 15 bytes that belongs in a [16]byte, the record fails with a
// [*batch.PanicError].
package dynamodbitem
