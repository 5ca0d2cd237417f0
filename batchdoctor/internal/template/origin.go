package template

import (
	"regexp"
	"strings"
)

const maxWritten = 1000

// written renders n on one line, or returns "" if that is long. Two nodes that are written alike
// have the same value.
func (n *node) written() string {
	var w line
	if w.write(n); w.full {
		return ""
	}
	return w.text.String()
}

// A line takes texts until it is full.
type line struct {
	text strings.Builder
	full bool
}

func (w *line) add(text string) {
	w.full = w.full || w.text.Len()+len(text) > maxWritten
	if !w.full {
		w.text.WriteString(text)
	}
}

func (w *line) write(n *node) {
	switch {
	case w.full:
	case n == nil || n.kind == null:
		w.add("null")
	case n.kind == list:
		w.writeList(n.items)
	case n.kind == object:
		w.writeObject(n.fields)
	default:
		w.add(n.text)
	}
}

func (w *line) writeList(items []*node) {
	w.add("[")
	for i, item := range items {
		if i > 0 {
			w.add(", ")
		}
		if w.write(item); w.full {
			return
		}
	}
	w.add("]")
}

func (w *line) writeObject(fields []field) {
	w.add("{")
	for i, f := range fields {
		if i > 0 {
			w.add(", ")
		}
		w.add(f.key + ": ")
		if w.write(f.value); w.full {
			return
		}
	}
	w.add("}")
}

var marked = regexp.MustCompile(mark + "([^" + mark + "]*)" + mark)

// referredBy returns the name in the marked reference that a text consists of, without its
// attribute, or "". The text may go on after a separator.
func referredBy(text string, separator byte) string {
	at := marked.FindStringSubmatchIndex(text)
	if at == nil || at[0] != 0 || at[1] < len(text) && text[at[1]] != separator {
		return ""
	}
	id, _, _ := strings.Cut(text[at[2]:at[3]], ".")
	return id
}

// readable writes the marked references of a text for a person.
func readable(text string) string {
	if m := marked.FindStringSubmatch(text); m != nil && m[0] == text {
		return m[1]
	}
	return marked.ReplaceAllString(text, "$${$1}")
}

// splitARN returns the six parts of an ARN; a marked reference may contain colons.
func splitARN(text string) (parts []string, ok bool) {
	if !strings.HasPrefix(text, "arn:") {
		return nil, false
	}
	inReference := false
	begin := 0
	for i := range len(text) {
		switch {
		case text[i] == mark[0]:
			inReference = !inReference
		case text[i] == ':' && !inReference && len(parts) < 5:
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	parts = append(parts, text[begin:])
	return parts, len(parts) == 6
}
