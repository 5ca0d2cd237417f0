package terraform

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A scope is the block in which an expression is written: that of a resource or a module call.
type scope struct {
	module  *module
	forEach expression // for_each of the block
	key     string     // of the block's instance, to which each.key and count.index belong
	keyed   bool       // the expression chooses other instances by this key
}

func (r *resource) scope() scope {
	s := scope{module: r.module, key: r.key}
	if r.declaration != nil {
		s.forEach = r.declaration.ForEach
	}
	return s
}

// calledFrom is the scope of the values of m's variables.
func (m *module) calledFrom() scope {
	return scope{module: m.parent, forEach: m.call.ForEach, key: m.key}
}

// An expression has its references, and is otherwise as JSON decodes it: an object, or a list of
// blocks that contain expressions.
type expression struct {
	references []string
	json       any
}

func (e *expression) UnmarshalJSON(content []byte) error {
	var decoded any
	err := json.Unmarshal(content, &decoded)
	*e = newExpression(decoded)
	return err
}

// newExpression lists the references. After each, the JSON repeats it without its last
// attributes and keys, and these prefixes are left out.
func newExpression(decoded any) expression {
	object, _ := decoded.(map[string]any)
	items, _ := object["references"].([]any)
	e := expression{json: decoded}
	seen := make(map[string]bool)
	for _, item := range items {
		reference, _ := item.(string)
		if last := len(e.references) - 1; last >= 0 && isPrefix(reference, e.references[last]) || seen[reference] {
			continue
		}
		seen[reference] = true
		e.references = append(e.references, reference)
	}
	return e
}

func isPrefix(short, long string) bool {
	rest, ok := strings.CutPrefix(long, short)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// namesOwnKey reports whether the expression's keys are those of the block's instance. The JSON does not show which
// reference is the key of which: if there is a value of for_each too, it may be the key.
func (e expression) namesOwnKey() bool {
	own, others := false, false
	for _, reference := range e.references {
		path := steps(reference)
		own = own || reference == "each.key" || reference == "count.index"
		others = others || path[0].name == "each" && path[1].name == "value"
	}
	return own && !others
}

// A step is a part of a reference between dots: q["a"] has the name q and the key ["a"].
type step struct{ name, key string }

// steps splits a reference. It has at least two steps; those that are missing are empty.
func steps(reference string) []step {
	var all []step
	quoted, begin := false, 0
	for i := range len(reference) {
		switch {
		case reference[i] == '"':
			quoted = !quoted
		case reference[i] == '.' && !quoted:
			all = append(all, newStep(reference[begin:i]))
			begin = i + 1
		}
	}
	all = append(all, newStep(reference[begin:]))
	return append(all, make([]step, max(0, 2-len(all)))...)
}

func newStep(text string) step {
	name, _, _ := strings.Cut(text, "[")
	return step{name, text[len(name):]}
}

// A search follows references to resources.
type search struct {
	wanted func(*resource) bool
	found  map[*resource]bool
	seen   map[visit]bool
}

type visit struct {
	module    *module
	reference string
	key       string
	keyed     bool
}

// Limits of a search, beyond any that finds something useful. Huge plans would take hours.
const (
	maxFound  = 100
	maxVisits = 1000
)

// referred returns the wanted resources that an expression refers to, in this and other modules.
func referred(in scope, e expression, wanted func(*resource) bool) []*resource {
	s := search{wanted: wanted, found: make(map[*resource]bool), seen: make(map[visit]bool)}
	s.expression(in, e)
	if len(s.seen) == maxVisits {
		return nil
	}
	byAddress := func(a, b *resource) int { return strings.Compare(a.Address, b.Address) }
	return slices.SortedFunc(maps.Keys(s.found), byAddress)
}

func (s *search) expression(in scope, e expression) {
	in.keyed = in.keyed || e.namesOwnKey()
	for _, reference := range e.references {
		s.follow(in, reference)
	}
}

func (s *search) follow(in scope, reference string) {
	here := visit{in.module, reference, in.key, in.keyed}
	if in.module == nil || s.seen[here] || len(s.seen) == maxVisits {
		return
	}
	s.seen[here] = true
	switch path := steps(reference); path[0].name {
	case "each":
		if path[1].name == "value" {
			in.keyed = true // the keys of for_each are those of its values
			s.expression(in, in.forEach)
		}
	case "var":
		s.expression(in.module.calledFrom(), in.module.call.Expressions[path[1].name])
	case "module":
		s.output(in, path[1], path[2:])
	case dataMode:
		if len(path) > 2 {
			s.resource(in, "data."+path[1].name+"."+path[2].name, path[2].key)
		}
	default:
		s.resource(in, path[0].name+"."+path[1].name, path[1].key)
	}
}

func (s *search) resource(in scope, path, key string) {
	instances := in.module.resources[path]
	for _, r := range chosen(instances, (*resource).instanceKey, key, in) {
		if s.wanted(r) && len(s.found) < maxFound {
			s.found[r] = true
		}
	}
}

// output follows the output of a child module that attributes begin with, or all its outputs.
func (s *search) output(in scope, name step, attributes []step) {
	for _, child := range chosen(in.module.called(name.name), (*module).instanceKey, name.key, in) {
		if child.config == nil {
			continue
		}
		inside := scope{module: child, key: in.key, keyed: in.keyed}
		if len(attributes) == 0 {
			for _, o := range child.config.Outputs {
				s.expression(inside, o.Expression)
			}
			continue
		}
		if attributes[0].key != "" {
			inside.key, inside.keyed = attributes[0].key, true
		}
		s.expression(inside, child.config.Outputs[attributes[0].name].Expression)
	}
}

func (r *resource) instanceKey() string { return r.key }
func (m *module) instanceKey() string   { return m.key }

// chosen returns the instances with the key. Without a key, it returns the one that the scope chooses, or else all.
func chosen[T any](instances []T, keyOf func(T) string, key string, in scope) []T {
	with := func(key string) []T {
		var all []T
		for _, instance := range instances {
			if keyOf(instance) == key {
				all = append(all, instance)
			}
		}
		return all
	}
	if key != "" {
		return with(key)
	}
	if own := with(in.key); in.keyed && len(own) > 0 {
		return own
	}
	return instances
}

// decided reports whether the value of an expression is known when the plan is made, because
// it depends on variables only.
func decided(in scope, e expression) bool {
	return !undecided(in, e, make(map[visit]bool))
}

func undecided(in scope, e expression, seen map[visit]bool) bool {
	return slices.ContainsFunc(e.references, func(reference string) bool {
		here := visit{module: in.module, reference: reference, key: in.key}
		if seen[here] {
			return false
		}
		seen[here] = true
		switch path := steps(reference); path[0].name {
		case "path", "terraform", "count":
			return false
		case "each":
			return path[1].name == "value" && undecided(in, in.forEach, seen)
		case "var":
			outer := in.module.calledFrom()
			return outer.module != nil && undecided(outer, in.module.call.Expressions[path[1].name], seen)
		}
		return true
	})
}
