package template

import (
	"fmt"
	"regexp"
	"strings"
)

// A value is the result of evaluating a node. It is unset if node is nil and reason "".
type value struct {
	node   *node  // if the value is known: a node that calls no function at its top
	reason string // why the value is unknown: a verb phrase
	origin string // the expression, unless it is a literal

	// text is that of a scalar. References to resources, and to parameters without a default,
	// are marked in it. So even an unknown ARN names its resource.
	text string
}

// mark encloses a reference in the text of a value. Texts of the template contain none.
const mark = "\x00"

const maxText = 4096

func unknown(reason string) value { return value{reason: reason} }

func reference(name, reason string) value {
	return value{reason: reason, text: mark + name + mark}
}

func known(n *node) value { return value{node: n, text: n.text} }

// literal is the value of a node that calls no function.
func literal(n *node) value {
	if strings.Contains(n.text, "{{resolve:") {
		return value{reason: "is a dynamic reference, which is resolved on deployment", text: n.text, origin: n.text}
	}
	return known(n)
}

func (v value) isUnset() bool { return v.node == nil && v.reason == "" }

func (t *template) resolve(n *node) value {
	if n == nil || n.kind == null {
		return value{}
	}
	if t.spend(n.text); t.steps <= 0 {
		return unknown("is in a template that is too large")
	}
	if n.kind == pending {
		return unknown(maySet)
	}
	name, argument, isCall := n.function()
	if !isCall {
		return literal(n)
	}
	v := t.call(name, argument)
	if v.origin == "" {
		v.origin = n.written()
	}
	return v
}

// spend counts a step, and more of them if it handles a long text.
func (t *template) spend(text string) { t.steps -= 1 + len(text)/64 }

func (t *template) call(name string, argument *node) value {
	switch name {
	case "Ref":
		return t.ref(textOf(argument))
	case "Fn::GetAtt":
		return t.getAtt(argument)
	case "Fn::Sub":
		return t.sub(argument)
	case "Fn::Join":
		return t.join(argument)
	case "Fn::If":
		return t.choose(argument)
	case "Fn::FindInMap":
		return t.lookUp(argument)
	case "Fn::ImportValue":
		v := t.resolve(argument)
		return value{reason: "is imported from another stack (Fn::ImportValue)", text: mark + readable(v.text) + mark}
	}
	return unknown("is computed by " + name)
}

func textOf(n *node) string {
	if n == nil {
		return ""
	}
	return n.text
}

func (t *template) ref(name string) value {
	t.spend(name)
	switch {
	case name == "AWS::NoValue":
		return value{}
	case strings.HasPrefix(name, "AWS::"):
		return reference(name, "depends on "+name)
	}
	if parameter, ok := t.parameters[name]; ok {
		return t.parameterValue(name, parameter)
	}
	if _, ok := t.owner(name); ok {
		return reference(name, "refers to "+name)
	}
	return reference(name, fmt.Sprintf("refers to %s, which the template does not define", name))
}

func (t *template) parameterValue(name string, parameter *node) value {
	byDefault := parameter.get("Default")
	t.spend(textOf(byDefault))
	var v value
	switch typ := textOf(parameter.get("Type")); {
	case strings.HasPrefix(typ, "AWS::SSM::"):
		v = reference(name, fmt.Sprintf("comes from parameter %s, which is read from SSM", name))
	case byDefault == nil || byDefault.kind != scalar:
		v = reference(name, fmt.Sprintf("comes from parameter %s, which has no default", name))
	case strings.Contains(typ, "List"):
		v = known(t.split(byDefault))
	default:
		v = literal(byDefault)
	}
	v.origin = "parameter " + name
	return v
}

// split makes a list of a text with commas.
func (t *template) split(n *node) *node {
	items := &node{kind: list, line: n.line}
	for item := range strings.SplitSeq(n.text, ",") {
		items.items = append(items.items, newText(strings.TrimSpace(item), n.line))
	}
	t.steps -= len(items.items)
	return items
}

func (t *template) getAtt(argument *node) value {
	name := textOf(argument)
	if argument != nil && len(argument.items) == 2 {
		name = argument.items[0].text + "." + argument.items[1].text
	}
	t.spend(name)
	id, _, _ := strings.Cut(name, ".")
	if _, ok := t.owner(id); ok {
		return reference(name, "is an attribute of "+id)
	}
	return reference(name, fmt.Sprintf("refers to %s, which the template does not define", id))
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

func (t *template) sub(argument *node) value {
	var variables *node
	if argument != nil && len(argument.items) == 2 {
		argument, variables = argument.items[0], argument.items[1]
	}
	if argument == nil || argument.kind != scalar {
		return unknown("is computed by Fn::Sub")
	}
	t.spend(argument.text)
	evaluate := func(name string) value {
		name = strings.TrimSpace(name)
		if n := variables.get(name); n != nil {
			return t.resolve(n)
		}
		if strings.Contains(name, ".") {
			return t.getAtt(newText(name, argument.line))
		}
		return t.ref(name)
	}
	if all := variable.FindStringSubmatch(argument.text); all != nil && all[0] == argument.text && all[1][:min(1, len(all[1]))] != "!" {
		return evaluate(all[1]) // of the same origin as !Ref
	}
	p := pieces{line: argument.line}
	rest := argument.text
	for _, at := range variable.FindAllStringSubmatchIndex(argument.text, -1) {
		done := len(argument.text) - len(rest)
		p.literal(argument.text[done:at[0]])
		if name := argument.text[at[2]:at[3]]; strings.HasPrefix(name, "!") {
			p.literal("${" + name[1:] + "}")
		} else {
			p.add(evaluate(name))
		}
		rest = argument.text[at[1]:]
	}
	p.literal(rest)
	return t.text(p)
}

func (t *template) join(argument *node) value {
	if argument == nil || len(argument.items) != 2 {
		return unknown("is computed by Fn::Join")
	}
	separator, items := t.resolve(argument.items[0]), t.resolve(argument.items[1])
	if separator.reason != "" || items.node == nil || items.node.kind != list {
		return unknown("is computed by Fn::Join")
	}
	p := pieces{line: argument.line}
	for i, item := range items.node.items {
		if i > 0 {
			p.literal(separator.text)
		}
		p.add(t.resolve(item))
	}
	return t.text(p)
}

// lookUp evaluates Fn::FindInMap, whose keys may be functions themselves.
func (t *template) lookUp(argument *node) value {
	found := t.tables
	if argument == nil || len(argument.items) < 3 {
		return unknown("is computed by Fn::FindInMap")
	}
	for _, key := range argument.items[:3] {
		found = found.get(t.resolve(key).text)
	}
	if found == nil {
		return unknown("is looked up in a mapping (Fn::FindInMap)")
	}
	return literal(found)
}

// choose evaluates Fn::If, whose value is known if both branches have the same.
func (t *template) choose(argument *node) value {
	if argument == nil || len(argument.items) != 3 {
		return unknown("is computed by Fn::If")
	}
	yes, no := t.resolve(argument.items[1]), t.resolve(argument.items[2])
	if same(yes, no) {
		return yes
	}
	return unknown("depends on condition " + textOf(argument.items[0]))
}

func same(a, b value) bool {
	switch {
	case a.isUnset() || b.isUnset():
		return a.isUnset() && b.isUnset()
	case a.node == nil || b.node == nil:
		return a.origin == b.origin && a.origin != ""
	}
	written := a.node.written()
	return written == b.node.written() && written != ""
}

// pieces are the parts of a text that a function puts together.
type pieces struct {
	line   int
	text   strings.Builder
	reason string
}

func (p *pieces) literal(s string) {
	if p.text.Len() <= maxText {
		p.text.WriteString(s)
	}
}

func (p *pieces) add(v value) {
	p.literal(v.text)
	switch {
	case p.reason != "":
	case v.reason != "":
		p.reason = v.reason
	case v.node == nil || v.node.kind != scalar:
		p.reason = "contains a value that is not a text"
	}
}

func (t *template) text(p pieces) value {
	text := p.text.String()
	t.spend(text)
	switch {
	case len(text) > maxText:
		return unknown("is a very long text")
	case p.reason != "":
		return value{reason: p.reason, text: text}
	}
	return literal(newText(text, p.line))
}
