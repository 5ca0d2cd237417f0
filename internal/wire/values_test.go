package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
)

func TestTextUpToHalfAPieceSharesOneAndAPieceIsFilledToItsEnd(t *testing.T) {
	is := is.New(t)
	is.Equal(pieceSize, 8192)
	r := &reader{data: make([]byte, 2*pieceSize)}
	is.Equal(r.copyText(make([]byte, pieceSize/2+1)), string(make([]byte, pieceSize/2+1)))
	is.Equal(r.texts.Len(), 0) // it was copied separately
	r.copyText(make([]byte, pieceSize/2))
	is.Equal(r.texts.Len(), pieceSize/2)
	room := r.texts.Cap() - r.texts.Len()
	r.copyText(make([]byte, room))
	is.Equal(r.texts.Len(), r.texts.Cap())
	is.Equal(r.copyText([]byte("next")), "next")
	is.Equal(r.texts.Len(), len("next")) // of the next piece
}

func TestDataUpToHalfAPieceSharesOneAndAPieceIsFilledToItsEnd(t *testing.T) {
	is := is.New(t)
	r := &reader{data: make([]byte, 2*pieceSize)}
	is.Equal(len(r.carve(pieceSize/2+1)), pieceSize/2+1)
	is.Equal(len(r.binary), 0) // it was made separately
	is.True(r.carve(0) != nil)
	is.Equal(len(r.carve(pieceSize/2)), pieceSize/2)
	rest := r.binary
	is.Equal(len(rest), pieceSize/2)
	data := r.carve(len(rest))
	is.Equal(&data[0], &rest[0])
	is.Equal(cap(data), len(data)) // so that appending to it does not overwrite the next
	is.Equal(len(r.binary), 0)
}

func TestAPieceIsNoLargerThanWhatTheRestOfThePayloadCanFill(t *testing.T) {
	is := is.New(t)
	r := &reader{data: make([]byte, 100), pos: 60}
	is.Equal(r.pieceSizeFor(7), 47)
	is.Equal((&reader{data: make([]byte, 2*pieceSize)}).pieceSizeFor(7), pieceSize)
	is.Equal((&reader{data: make([]byte, 2*pieceSize)}).pieceSizeFor(pieceSize+1), pieceSize+1)
}

func TestTextThatRecursIsCopiedOnce(t *testing.T) {
	is := is.New(t)
	r := &reader{data: make([]byte, 100)}
	is.Equal(r.share(nil), "")
	is.Equal(r.share([]byte("aws:sqs")), "aws:sqs")
	used := r.texts.Len()
	is.Equal(r.share([]byte("aws:sqs")), "aws:sqs")
	is.Equal(r.texts.Len(), used)
	is.Equal(r.share([]byte("eu-1")), "eu-1")
	is.Equal(r.texts.Len(), used+len("eu-1"))
}

func TestAValueOfTheWrongTypeSaysWhatWasWanted(t *testing.T) {
	for value, want := range map[string]string{
		`{"S":1}`:                 "want a string, got a number",
		`{"N":null}`:              "want a string, got null",
		`{"BOOL":"t"}`:            "want a boolean, got a string",
		`{"B":[]}`:                "want a string, got an array",
		`{"SS":"x"}`:              "want an array, got a string",
		`{"NS":{}}`:               "want an array, got an object",
		`{"S":false}`:             "want a string, got a boolean",
		`{"BS":[true]}`:           "want a string, got a boolean",
		`{"L":{}}`:                "want an array, got an object",
		`{"M":[]}`:                "want an object, got an array",
		`{"Q":1}`:                 `unknown DynamoDB type "Q"`,
		`{}`:                      "want a value of one DynamoDB type",
		`{"S":"a","S":"b"}`:       "want a value of one DynamoDB type",
		`{"SS":["a",1,"b",true]}`: "want a string, got a number", // the first of two problems
		`{"BS":["",null,"%"]}`:    "want a string, got null",
		`{"B":"%"}`:               "illegal base64 data at input byte 0",
		`7`:                       "want an object, got a number",
	} {
		is := is.New(t)
		b, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"Keys":{"k":` + value + `}}}]}`))
		is.NoErr(err)
		is.Equal(len(b.Bad), 1)
		is.Equal(b.Bad[0].Err.Error(), want)
		is.Equal(b.Bad[0].Field, "dynamodb.Keys.k")
		_, there := b.Records[0].Change.Keys["k"]
		is.True(!there)
	}
	for record, want := range map[string]string{
		`{"body":{}}`:              "want a string, got an object",
		`{"messageAttributes":[]}`: "want an object, got an array",
		`{"messageAttributes":{"a":{"binaryListValues":1}}}`: "want an array, got a number",
	} {
		is := is.New(t)
		b, err := SQS([]byte(`{"Records":[` + record + `]}`))
		is.NoErr(err)
		is.Equal(b.Bad[0].Err.Error(), want)
	}
}

func TestAVitalAttributeOfTheWrongTypeIsEmpty(t *testing.T) {
	is := is.New(t)
	b, err := SQS([]byte(`{"Records":[{"attributes":{"ApproximateReceiveCount":7,"MessageGroupId":"g","MessageGroupId":{}}}]}`))
	is.NoErr(err)
	is.Equal(b.Records[0].Attributes, map[string]string{"ApproximateReceiveCount": "", "MessageGroupId": ""})
	is.Equal(b.Bad[0].Field, "attributes.ApproximateReceiveCount")
	is.Equal(b.Bad[0].Err.Error(), "want a string, got a number")
}

func TestAVitalFieldThatIsGivenAgainInAWrongFormStaysAsItIs(t *testing.T) {
	for _, wrong := range []string{`7`, `"%"`, `[]`} {
		is := is.New(t)
		b, err := Kinesis([]byte(`{"Records":[{"kinesis":{"data":"YQ==","data":` + wrong + `}}]}`))
		is.NoErr(err)
		is.Equal(len(b.Bad), 1)
		is.Equal(b.Bad[0].Field, "kinesis.data")
		is.Equal(string(b.Records[0].Kinesis.Data), "a")
		k, err := Kafka([]byte(`{"records":{"t-0":[{"offset":3,"key":"k","topic":"t","offset":1.5,"key":7,"topic":[]}]}}`))
		is.NoErr(err)
		is.Equal(k.Records[0].Offset, int64(3))
		is.Equal(k.Records[0].Key, "k")
		is.Equal(k.Records[0].Topic, "t")
	}
}

func TestAProblemIsNamedInWords(t *testing.T) {
	for record, want := range map[string]string{
		`{"offset":1.5}`:                  "offset: number is no integer of 64 bits",
		`{"offset":9223372036854775808}`:  "offset: number is no integer of 64 bits",
		`{"offset":"1"}`:                  "offset: want a number, got a string",
		`{"headers":[{"h":[256]}]}`:       "headers.0.h.0: number is no byte",
		`{"headers":[{"h":[-129]}]}`:      "headers.0.h.0: number is no byte",
		`{"headers":[{}],"headers":[{}]}`: "headers: list is given twice",
		`[]`:                              ": want an object, got an array",
	} {
		is := is.New(t)
		b, err := Kafka([]byte(`{"records":{"t-0":[` + record + `]}}`))
		is.NoErr(err)
		is.Equal(len(b.Bad), 1)
		is.Equal(b.Bad[0].Field+": "+b.Bad[0].Err.Error(), want)
		is.True(!b.Records[0].Located)
	}
}

func TestTextIsShortenedOnlyIfItIsTooLong(t *testing.T) {
	is := is.New(t)
	is.Equal(clip("abc", 3), "abc")
	is.Equal(clip("abcd", 3), "abc…")
	is.Equal(clip("aé", 2), "a…")
	is.Equal(quote(strings.Repeat("x", 40)), `"`+strings.Repeat("x", 40)+`"`)
	is.Equal(quote(strings.Repeat("x", 41)), `"`+strings.Repeat("x", 40)+`…"`)
	is.Equal(shown([]byte(strings.Repeat("1", 40))), strings.Repeat("1", 40))
	is.Equal(shown([]byte(strings.Repeat("1", 41))), strings.Repeat("1", 40)+"…")
	is.Equal(shown([]byte(strings.Repeat("é", 100))), strings.Repeat("é", 20)+"…")
}

func TestAPathOfUpTo200BytesIsShownWhole(t *testing.T) {
	for name, want := range map[string]string{
		"a":                      "dynamodb.NewImage.a",
		strings.Repeat("b", 182): "dynamodb.NewImage." + strings.Repeat("b", 182),
		strings.Repeat("c", 183): "dynamodb.NewImage." + strings.Repeat("c", 182) + "…",
		strings.Repeat("é", 500): "dynamodb.NewImage." + strings.Repeat("é", 91) + "…",
	} {
		is := is.New(t)
		b, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"NewImage":{"` + name + `":7}}}]}`))
		is.NoErr(err)
		is.Equal(b.Bad[0].Field, want)
	}
	for _, n := range []int{189, 190} { // "attributes." has 11
		is := is.New(t)
		b, err := SQS([]byte(`{"Records":[{"attributes":{"` + strings.Repeat("a", n) + `":[]}}]}`))
		is.NoErr(err)
		is.Equal(b.Unread[0].Field, "attributes."+strings.Repeat("a", 189)+strings.Repeat("…", n-189))
	}
}

func TestAnAttributeValueThatCannotBeReadIsLeftOut(t *testing.T) {
	is := is.New(t)
	b, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"NewImage":{"l":{"L":[{"S":"a"},7,{"X":1},{"S":"b"}]},` +
		`"m":{"M":{"a":{"N":"1"},"b":{"N":1}}},"s":{"SS":[1]}}}}]}`))
	is.NoErr(err)
	is.Equal(b.Bad[0].Field, "dynamodb.NewImage.l.L.1")
	image := b.Records[0].Change.NewImage
	is.Equal(len(image), 2)
	is.Equal(image["l"].List(), []events.DynamoDBAttributeValue{events.NewStringAttribute("a"), events.NewStringAttribute("b")})
	is.Equal(image["m"].Map(), map[string]events.DynamoDBAttributeValue{"a": events.NewNumberAttribute("1")})
}

func TestEightUnreadableFieldsAreNotedAndNoMore(t *testing.T) {
	is := is.New(t)
	fields := func(n int) []Unread {
		var attributes []string
		for i := range n {
			attributes = append(attributes, fmt.Sprintf(`"a%d":{}`, i))
		}
		b, err := SQS([]byte(`{"Records":[{"attributes":{` + strings.Join(attributes, ",") + `}}]}`))
		is.NoErr(err)
		return b.Unread
	}
	is.Equal(len(fields(8)), 8)
	is.Equal(fields(8)[7], Unread{"attributes.a7", "an object"})
	is.Equal(len(fields(9)), 9)
	is.Equal(fields(9)[8], Unread{"…", "more"})
	is.Equal(len(fields(10)), 9)
}
