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
