// Package dynamodbitem decodes the items in DynamoDB stream records into Go values.
//
// A stream record carries the keys of the item that changed and up to two images of it, from before and after
// the change. [NewImage], [OldImage] and [Keys] each decode one of these, and [Change] decodes both images. All
// four fit [batch.TryMap]:
//
//	func process(records batch.Stream[events.DynamoDBEventRecord]) batch.Stream[Item] {
//		kept := batch.Filter(records, func(r events.DynamoDBEventRecord) bool { return r.EventName != "REMOVE" })
//		items := batch.TryMap(kept, dynamodbitem.NewImage[Item])
//		return batch.TryEach(items, index)
//	}
//
// # Which images a record has
//
// Every record has the keys. The images depend on the stream's view type and on the kind of change:
//
//	            NEW_IMAGE   OLD_IMAGE   NEW_AND_OLD_IMAGES   KEYS_ONLY
//	INSERT      new         -           new                  -
//	MODIFY      new         old         new and old          -
//	REMOVE      -           old         old                  -
//
// A missing image is a [*MissingImageError] inside the [*batch.DecodeError]. That is why the function above
// filters out every REMOVE: its record would fail under [NewImage].
//
// # How attributes become fields
//
// The rules are those of the SDK's attributevalue.Unmarshal. The struct tag is dynamodbav, names match without
// regard to case, attributes without a field are ignored, and a null becomes the zero value.
//
// In a field of type any, a number becomes a float64, which cannot hold the 38 digits that DynamoDB stores. Use
// attributevalue.Number to keep them all.
//
// If T is map[string]types.AttributeValue, the item is returned in the SDK's own form, ready to be written to
// another table.
//
// # Errors
//
// Every function returns its error inside a [*batch.DecodeError], as [batch.Decode] does. If an attribute does
// not fit its field, the error begins with its path: "dynamodb.NewImage.lines.1.count: …".
//
// No function of this package panics. If the SDK's decoder panics, or a type's own
// UnmarshalDynamoDBAttributeValue, the DecodeError contains a [*batch.PanicError]. The SDK does so for a 15-byte
// binary in a [16]byte field.
package dynamodbitem
