package printable

import "fmt"

// Sprintf formats one value whose methods may panic. Package fmt recovers from that, but not if the text of what it recovers
// panics, too. Control characters are not escaped.
func Sprintf(format string, value any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T whose text cannot be made", value)
		}
	}()
	return fmt.Sprintf(format, value)
}

// ErrorText returns the text of an error, whose Error method may panic, as that of a nil pointer does. Control characters are not
// escaped.
func ErrorText(err error) string {
	text := Sprintf("%v", err)
	if text == "<nil>" {
		return fmt.Sprintf("an error that is a nil %T", err)
	}
	return text
}
