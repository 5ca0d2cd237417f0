package template

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// setting makes a Setting of a node. convert is called with a known value.
func setting[T any](t *template, n *node, convert func(value) (T, bool), kind string) diagnosis.Setting[T] {
	v := t.resolve(n)
	switch {
	case v.reason != "":
		return diagnosis.Unknown[T](v.reason).From(v.origin)
	case v.isUnset():
		return diagnosis.Unset[T]()
	}
	converted, ok := convert(v)
	if !ok {
		return diagnosis.Unknown[T]("is not " + kind + shown(v)).From(v.origin)
	}
	return diagnosis.Known(converted).From(v.origin)
}

func shown(v value) string {
	if v.node.kind != scalar || len(v.text) > 40 {
		return ""
	}
	return fmt.Sprintf(" (%q)", v.text)
}

func (t *template) number(n *node) diagnosis.Setting[int] {
	return setting(t, n, func(v value) (int, bool) {
		f, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64)
		return int(f), err == nil && math.Abs(f) <= math.MaxInt32 && f == math.Trunc(f)
	}, "a whole number")
}

func (t *template) decimal(n *node) diagnosis.Setting[float64] {
	return setting(t, n, func(v value) (float64, bool) {
		f, err := strconv.ParseFloat(strings.TrimSpace(v.text), 64)
		return f, err == nil && math.Abs(f) <= math.MaxInt32
	}, "a number")
}

func (t *template) boolean(n *node) diagnosis.Setting[bool] {
	return setting(t, n, func(v value) (bool, bool) {
		switch strings.ToLower(v.text) {
		case "true", "yes", "on":
			return true, true
		case "false", "no", "off":
			return false, true
		}
		return false, false
	}, "true or false")
}

// texts reads a list of texts, or a single one. An unknown item makes the list unknown.
func (t *template) texts(n *node) diagnosis.Setting[[]string] {
	v := t.resolve(n)
	if v.node == nil || v.node.kind != list {
		return setting(t, n, func(v value) ([]string, bool) { return []string{v.text}, v.node.kind == scalar }, "a list")
	}
	var texts []string
	for _, item := range v.node.items {
		text := t.resolve(item)
		if text.reason != "" {
			return diagnosis.Unknown[[]string](text.reason).From(v.origin)
		}
		if text.node != nil {
			texts = append(texts, text.text)
		}
	}
	return diagnosis.Known(texts).From(v.origin)
}

// presence is known to be true if the property is an object, or one of several under conditions.
func (t *template) presence(n *node) diagnosis.Setting[bool] {
	present := true
	t.eachChoice(n, func(v value) { present = present && v.node != nil && v.node.kind == object })
	if present {
		return diagnosis.Known(true)
	}
	return setting(t, n, func(v value) (bool, bool) { return true, v.node.kind == object }, "an object")
}

// inside resolves a path of properties, each of which may be a function.
func (t *template) inside(n *node, path ...string) (*node, value) {
	for _, name := range path {
		v := t.resolve(n)
		if v.node == nil {
			return nil, v
		}
		n = v.node.property(name)
	}
	return n, value{}
}
