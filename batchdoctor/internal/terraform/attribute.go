package terraform

import (
	"math"
	"strconv"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// A value is an attribute of a resource. It is unset if known is nil and reason "".
type value struct {
	known  any    // as JSON decodes it
	reason string // why the value is unknown: a verb phrase
}

func (v value) isUnset() bool { return v.known == nil && v.reason == "" }

// attribute reads an attribute. The provider computes some attributes that are null, so a plan
// says that they are unknown, and only the configuration shows that they are unset.
func (r *resource) attribute(name string) value {
	if known := r.Values[name]; known != nil || !r.isUnknown(name) {
		return value{known: known}
	}
	e := r.written(name)
	if r.declaration != nil && decided(r.scope(), e) {
		return value{} // a value that depends on variables only would be known unless it is null
	}
	return value{reason: afterApply + because(e)}
}

// nested reads blocks. The provider computes none of those that the reader asks for, and the
// configuration does not show dynamic blocks.
func (r *resource) nested(name string) value {
	if known := r.Values[name]; known != nil || !r.isUnknown(name) {
		return value{known: known}
	}
	return value{reason: afterApply}
}

// isUnknown reports whether an attribute is known only after apply.
func (r *resource) isUnknown(name string) bool {
	if attributes, ok := r.unknown.(map[string]any); ok {
		return attributes[name] == true
	}
	return r.unknown == true
}

// written returns the expression of an attribute or of blocks.
func (r *resource) written(name string) expression {
	if r.declaration == nil {
		return expression{}
	}
	return r.declaration.Expressions[name]
}

const afterApply = "is known only after apply"

func because(e expression) string {
	all := e.references
	switch {
	case len(all) == 0:
		return ""
	case len(all) > 3:
		all = append(all[:2:2], "others")
	}
	if last := len(all) - 1; last > 0 {
		return " and depends on " + strings.Join(all[:last], ", ") + " and " + all[last]
	}
	return " and depends on " + all[0]
}

// setting makes a Setting of a value. convert is called with a known value.
func setting[T any](v value, convert func(any) (T, bool), kind string) diagnosis.Setting[T] {
	switch {
	case v.reason != "":
		return diagnosis.Unknown[T](v.reason)
	case v.isUnset():
		return diagnosis.Unset[T]()
	}
	converted, ok := convert(v.known)
	if !ok {
		return diagnosis.Unknown[T]("is not " + kind)
	}
	return diagnosis.Known(converted)
}

func number(v value) diagnosis.Setting[int] {
	return setting(v, func(known any) (int, bool) {
		f, ok := float(known)
		return int(f), ok && f == math.Trunc(f)
	}, "a whole number")
}

func decimal(v value) diagnosis.Setting[float64] { return setting(v, float, "a number") }

// float reads a number, which providers and policies may write as a text.
func float(known any) (float64, bool) {
	f, ok := known.(float64)
	if text, isText := known.(string); isText {
		var err error
		f, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
		ok = err == nil
	}
	return f, ok && math.Abs(f) <= math.MaxInt32
}

func boolean(v value) diagnosis.Setting[bool] {
	return setting(v, func(known any) (bool, bool) {
		b, ok := known.(bool)
		return b, ok
	}, "true or false")
}

func texts(v value) diagnosis.Setting[[]string] {
	return setting(v, func(known any) ([]string, bool) {
		items, ok := known.([]any)
		all := make([]string, len(items))
		for i, item := range items {
			var isText bool
			all[i], isText = item.(string)
			ok = ok && isText
		}
		return all, ok
	}, "a list of known texts")
}

// presence is known to be true if there is such a block.
func presence(v value) diagnosis.Setting[bool] {
	if v.reason == "" && block(v.known) == nil {
		return diagnosis.Unset[bool]()
	}
	return setting(v, func(any) (bool, bool) { return true, true }, "a block")
}

// block returns the first block of a list, or nil. Blocks that may occur once are lists, too.
func block(known any) map[string]any {
	if all := blocks(known); len(all) > 0 {
		return all[0]
	}
	return nil
}

func blocks(known any) []map[string]any {
	items, _ := known.([]any)
	var all []map[string]any
	for _, item := range items {
		if b, ok := item.(map[string]any); ok {
			all = append(all, b)
		}
	}
	return all
}
