package template

import "strings"

// A node is a value of a template. Functions have their long form: !Ref X is an object with
// the field Ref.
type node struct {
	kind   kind
	text   string // of a scalar
	items  []*node
	fields []field
	byKey  map[string]*node // the fields, once one is looked up
	line   int
}

type kind int

const (
	null kind = iota
	scalar
	list
	object
	pending // a property that a macro may add
)

type field struct {
	key   string
	line  int
	value *node
}

// get returns the field, or nil if n is no object or has no such field. A repeated key counts
// where it is written last.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	if n.byKey == nil {
		n.byKey = make(map[string]*node, len(n.fields))
		for _, f := range n.fields {
			n.byKey[f.key] = f.value
		}
	}
	return n.byKey[key]
}

// function returns the intrinsic function that n calls, and its argument.
func (n *node) function() (name string, argument *node, ok bool) {
	if n == nil || len(n.fields) != 1 {
		return "", nil, false
	}
	name = n.fields[0].key
	return name, n.fields[0].value, name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::")
}

func newText(text string, line int) *node {
	return &node{kind: scalar, text: strings.ReplaceAll(text, mark, ""), line: line}
}

// mentions reports whether a string of the tree under n is among the texts. It gives up after
// so many steps, because aliases can make a small file a large tree.
func (n *node) mentions(texts map[string]bool, steps *int) bool {
	if n == nil || *steps <= 0 {
		return false
	}
	*steps--
	if n.kind == scalar && texts[n.text] {
		return true
	}
	for _, item := range n.items {
		if item.mentions(texts, steps) {
			return true
		}
	}
	for _, f := range n.fields {
		if f.value.mentions(texts, steps) {
			return true
		}
	}
	return false
}
