package envelope

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrTooLarge is the error of a record with more than [MaxDecompressed] bytes of data, or with a
// list of more than 100,000 elements.
var ErrTooLarge = errors.New("too large")

// maxElements is ten times the log events that a call to CloudWatch Logs takes.
const maxElements = 100_000

// A boundedList is a JSON array that is not decoded if it has more than maxElements. An element
// can take two bytes of JSON and a hundred times as much memory.
type boundedList[T any] []T

func (l *boundedList[T]) UnmarshalJSON(array []byte) error {
	n := countElements(array)
	if n > maxElements {
		return fmt.Errorf("%w: a list with %d elements", ErrTooLarge, n)
	}
	*l = make(boundedList[T], 0, n)
	return json.Unmarshal(array, (*[]T)(l))
}

// countElements returns how many elements a JSON array has, or 1 if it has none.
func countElements(array []byte) int {
	n, depth, quoted := 1, 0, false
	for i := 0; i < len(array); i++ {
		switch c := array[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth == 1:
			n++
		}
	}
	return n
}
