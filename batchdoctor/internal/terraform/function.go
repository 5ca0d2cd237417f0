package terraform

import (
	"slices"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// A functionReference is an attribute that holds a function's name or ARN.
type functionReference struct {
	scope      scope
	text       string // "" if it is unknown
	expression expression
}

func (p *plan) function(reference functionReference) diagnosis.Function {
	candidates := p.functionsOf(reference, make(map[*resource]bool))
	switch len(candidates) {
	case 0:
		return functionElsewhere(reference)
	case 1:
		return functionAt(candidates[0])
	}
	var names []string
	for _, r := range candidates {
		names = append(names, r.Address)
	}
	return unknownFunction(oneOf(names), "is unknown, because the function may be "+oneOf(names))
}

// functionsOf returns the functions that the reference may mean, of aliases those of the alias.
func (p *plan) functionsOf(reference functionReference, seen map[*resource]bool) []*resource {
	if r := p.byARN[unqualified(reference.text)]; r != nil && r.Type == functionType {
		return []*resource{r}
	}
	name := functionName(reference.text)
	isAnother := func(r *resource) bool { // of another account or region, which has the same name
		own := r.text("arn")
		return r.Type == functionType && own != "" && strings.HasPrefix(reference.text, "arn:") && unqualified(own) != unqualified(reference.text)
	}
	var found []*resource
	for _, r := range referred(reference.scope, reference.expression, isFunction) {
		if seen[r] || isAnother(r) {
			continue
		}
		switch own := r.text("function_name"); r.Type {
		case functionType:
			if name == "" || own == "" || own == name {
				found = append(found, r)
			}
		case aliasType:
			seen[r] = true
			alias := functionReference{r.scope(), own, r.written("function_name")}
			found = append(found, p.functionsOf(alias, seen)...)
		}
	}
	if len(found) == 0 && name != "" {
		return slices.DeleteFunc(slices.Clone(p.functions[name]), isAnother)
	}
	slices.SortFunc(found, func(a, b *resource) int { return strings.Compare(a.Address, b.Address) })
	return slices.Compact(found)
}

func isFunction(r *resource) bool { return r.Type == functionType || r.Type == aliasType }

// unqualified returns a function's ARN without a version or alias.
func unqualified(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 7 {
		return strings.Join(parts[:7], ":")
	}
	return arn
}

// functionName returns the name in the forms of a name that Lambda takes: with and without a
// version or alias, as an ARN or a part of one.
func functionName(text string) string {
	if _, after, ok := strings.Cut(text, "function:"); ok {
		text = after
	}
	name, _, _ := strings.Cut(text, ":")
	return name
}

func functionAt(r *resource) diagnosis.Function {
	return diagnosis.Function{
		Resource:    r.described(),
		Timeout:     number(r.attribute("timeout")),
		Environment: environment(r),
	}
}

func environment(function *resource) diagnosis.Setting[[]diagnosis.Variable] {
	v := function.nested("environment")
	if v.reason != "" {
		return diagnosis.Unknown[[]diagnosis.Variable](v.reason)
	}
	known := block(v.known)
	if known == nil {
		return diagnosis.Unset[[]diagnosis.Variable]()
	}
	unknown := make(map[string]any)
	if attributes, ok := function.unknown.(map[string]any); ok {
		unknown = block(attributes["environment"])
	}
	if unknown["variables"] == true {
		variables := newExpression(block(function.written("environment").json)["variables"])
		return diagnosis.Unknown[[]diagnosis.Variable](afterApply + because(variables))
	}
	var all []diagnosis.Variable
	for _, part := range []any{known["variables"], unknown["variables"]} {
		variables, _ := part.(map[string]any)
		for name := range variables {
			all = append(all, diagnosis.Variable{Name: name})
		}
	}
	slices.SortFunc(all, func(a, b diagnosis.Variable) int { return strings.Compare(a.Name, b.Name) })
	return diagnosis.Known(slices.Compact(all))
}

func functionElsewhere(reference functionReference) diagnosis.Function {
	name, reason := functionName(reference.text), "is unknown, because the file does not contain the function"
	if name == "" {
		name = "function"
		if all := reference.expression.references; len(all) > 0 {
			name = all[0]
		}
		reason = "is unknown, because the name of the function " + afterApply + because(reference.expression)
	}
	return unknownFunction(name, reason)
}

func unknownFunction(name, reason string) diagnosis.Function {
	return diagnosis.Function{
		Resource:    elsewhere(name),
		Timeout:     diagnosis.Unknown[int](reason),
		Environment: diagnosis.Unknown[[]diagnosis.Variable](reason),
	}
}
