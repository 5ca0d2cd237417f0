package template

import (
	"regexp"
	"strings"
)

const maxWritten = 1000

// written renders n on one line, or returns "" if that is long. Two nodes that are written alike
// have the same value.
func (n *node) written() string {
	var w strings.Builder
	if !n.write(&w) {
		return ""
	}
	return w.String()
}

func (n *node) write(w *strings.Builder) bool {
	if n == nil || w.Len() > maxWritten {
		return false
	}
	switch n.kind {
	case list:
		return writeAll(w, "[", n.items, "]")
	case object:
		for _, f := range n.fields {
			w.WriteString("{" + f.key + ": ")
			if !f.value.write(w) {
				return false
			}
			w.WriteString("}")
		}
		return true
	}
	w.WriteString(n.text)
	return w.Len() <= maxWritten
}

func writeAll(w *strings.Builder, begin string, items []*node, end string) bool {
	w.WriteString(begin)
	for i, item := range items {
		if i > 0 {
			w.WriteString(", ")
		}
		if !item.write(w) {
			return false
		}
	}
	w.WriteString(end)
	return true
}

var marked = regexp.MustCompile(mark + "([^" + mark + "]*)" + mark)

// referred returns the names in the marked references of a text, without attributes.
func referred(text string) []string {
	var ids []string
	for _, m := range marked.FindAllStringSubmatch(text, -1) {
		id, _, _ := strings.Cut(m[1], ".")
		ids = append(ids, id)
	}
	return ids
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
