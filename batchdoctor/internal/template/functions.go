package template

import (
	"cmp"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// owner returns the resource that a logical ID names. SAM also creates resources: an alias
// and versions of a function.
func (t *template) owner(id string) (string, bool) {
	id, _, _ = strings.Cut(id, ".")
	if _, ok := t.resources[id]; ok {
		return id, true
	}
	for _, suffix := range []string{"Alias", "Version"} {
		if i := strings.LastIndex(id, suffix); i > 0 && t.typeOf(id[:i]) == serverlessType {
			return id[:i], true
		}
	}
	return "", false
}

// function returns the function that a name, an ARN or a reference stands for.
func (t *template) function(n *node) diagnosis.Function {
	v := t.resolve(n)
	for range 5 { // aliases and versions of aliases and versions
		ids := t.functionIDs(v.text)
		if len(ids) > 1 {
			return t.unknownFunction(functionName(v.text), "is unknown, because the function may be "+oneOf(ids))
		}
		if len(ids) == 0 {
			break
		}
		switch t.typeOf(ids[0]) {
		case functionType, serverlessType:
			return t.functionAt(ids[0])
		}
		v = t.resolve(t.property(ids[0], "FunctionName"))
	}
	return t.functionElsewhere(v)
}

// functionIDs returns the logical ID of a function, an alias or a version. Under different
// conditions, several functions may have the name.
func (t *template) functionIDs(text string) []string {
	name := functionName(text)
	id, _ := t.owner(referredBy(name, ':'))
	switch t.typeOf(id) {
	case functionType, serverlessType, aliasType, versionType:
		return []string{id}
	}
	if name == "" {
		return nil
	}
	return t.names["function "+name]
}

// functionName returns the name in the forms of a name that Lambda takes: with and without
// a version or alias, as an ARN or a part of one.
func functionName(text string) string {
	if parts, ok := splitARN(text); ok {
		text = parts[5]
	}
	if _, after, ok := strings.Cut(text, "function:"); ok {
		text = after
	}
	if strings.Contains(text, mark) {
		return text // may contain colons
	}
	name, _, _ := strings.Cut(text, ":")
	return name
}

func (t *template) functionAt(id string) diagnosis.Function {
	if f, read := t.functions[id]; read {
		return f
	}
	f := diagnosis.Function{
		Resource:    t.resource(id),
		Timeout:     t.number(t.functionProperty(id, "Timeout")),
		Environment: t.variables(t.property(id, "Environment")),
	}
	if t.typeOf(id) == serverlessType {
		f.Environment = joined(t.variables(t.globals.property("Environment")), f.Environment)
	}
	t.functions[id] = f
	return f
}

func (t *template) functionProperty(id, name string) *node {
	n := t.property(id, name)
	if n == nil && t.typeOf(id) == serverlessType {
		return t.globals.property(name)
	}
	return n
}

func (t *template) variables(environment *node) diagnosis.Setting[[]diagnosis.Variable] {
	variables, outer := t.inside(environment, "Variables")
	if outer.reason != "" {
		return diagnosis.Unknown[[]diagnosis.Variable](outer.reason)
	}
	if variables.isOpen() {
		return diagnosis.Unknown[[]diagnosis.Variable](maySet)
	}
	return setting(t, variables, func(v value) ([]diagnosis.Variable, bool) {
		var read []diagnosis.Variable
		for _, f := range v.node.fields {
			text := setting(t, f.value, func(v value) (string, bool) { return v.text, v.node.kind == scalar }, "a text")
			read = append(read, diagnosis.Variable{Name: f.key, Value: text})
		}
		return read, v.node.kind == object
	}, "an object")
}

// joined adds SAM's global variables to those of a function.
func joined(global, own diagnosis.Setting[[]diagnosis.Variable]) diagnosis.Setting[[]diagnosis.Variable] {
	globals, globalsKnown := global.Value()
	owns, ownsKnown := own.Value()
	switch {
	case own.IsUnset() || !globalsKnown && !global.IsUnset():
		return global
	case !ownsKnown:
		return own
	}
	return diagnosis.Known(append(globals[:len(globals):len(globals)], owns...))
}

const functionNotHere = "is unknown, because the template does not define the function"

func (t *template) functionElsewhere(v value) diagnosis.Function {
	reason := functionNotHere
	name := functionName(v.text)
	if v.text == "" {
		name, reason = "function", "is unknown, because the name of the function "+cmp.Or(v.reason, "is missing")
	}
	return t.unknownFunction(name, reason)
}

func (t *template) unknownFunction(name, reason string) diagnosis.Function {
	return diagnosis.Function{
		Resource:    t.elsewhere(readable(name)),
		Timeout:     diagnosis.Unknown[int](reason),
		Environment: diagnosis.Unknown[[]diagnosis.Variable](reason),
	}
}
