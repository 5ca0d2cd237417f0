package wire

import (
	"strings"
	"testing"

	"github.com/matryer/is"
)

// The 10,001st record is refused if the payload so far has less than 32 bytes per record.
func TestAsManyRecordsAsThePayloadHasBytesForAreRead(t *testing.T) {
	is := is.New(t)
	after := func(records, bytes int) []byte {
		const head = `{"Records":[`
		list := strings.Repeat(`0,`, records)
		return []byte(head + strings.Repeat(" ", bytes-len(head)-len(list)) + list + `0]}`)
	}
	b, err := SQS(after(9_999, 30_000))
	is.NoErr(err)
	is.Equal(len(b.Records), 10_000)
	_, err = SQS(after(10_000, 319_999))
	is.True(err != nil)
	b, err = SQS(after(10_000, 320_000))
	is.NoErr(err)
	is.Equal(len(b.Records), 10_001)
	_, err = SQS(after(10_001, 320_031))
	is.True(err != nil)
}
