package diagnosis

import (
	"slices"
	"strings"
)

// A Checkup is what the rules say about one mapping or transformation.
type Checkup struct {
	Source   string
	Function string
	Resource Resource // the mapping or transformation
	Passed   []Rule   // nothing is wrong
	Silenced []Rule   // ignored by one of the resources
	Findings []Finding
}

// Examine applies the rules to every mapping and transformation of the deployment. It omits
// mappings of the kind [Other], to which no rule applies.
func Examine(d Deployment) []Checkup {
	var checkups []Checkup
	for _, m := range d.Mappings {
		if m.Source.Kind != Other {
			checkups = append(checkups, examine(m, mappingRules(m.Source.Kind), m.Resource, m.Source.Resource, m.Function.Resource))
		}
	}
	for _, t := range d.Transformations {
		checkups = append(checkups, examine(t, transformationRules(), t.Resource, t.Resource, t.Function.Resource))
	}
	for _, g := range d.Gaps {
		checkups = append(checkups, g.checkup())
	}
	return checkups
}

func (g Gap) checkup() Checkup {
	if ignored(Unresolved, []Resource{g.Resource}) {
		return Checkup{Source: g.Name, Resource: g.Resource, Silenced: []Rule{Unresolved}}
	}
	return Checkup{Source: g.Name, Resource: g.Resource, Findings: []Finding{{
		Source: g.Name, Rule: Unresolved, Severity: Hint, Resource: g.Resource,
		Message: g.Name + " " + g.Reason + ". Its event source mappings were not checked.",
	}}}
}

// Findings returns the findings of all checkups.
func Findings(checkups []Checkup) []Finding {
	var findings []Finding
	for _, c := range checkups {
		findings = append(findings, c.Findings...)
	}
	return findings
}

// A check applies one rule to a mapping or a transformation.
type check[T any] struct {
	rule  Rule
	apply func(T) verdict
}

func examine[T any](subject T, checks []check[T], link, source, function Resource) Checkup {
	c := Checkup{Source: source.Name, Function: function.Name, Resource: link}
	resources := []Resource{link, source, function}
	var open []openQuestion
	for _, check := range checks {
		if ignored(check.rule, resources) {
			c.Silenced = append(c.Silenced, check.rule)
			continue
		}
		verdict := check.apply(subject)
		switch {
		case verdict.finding != nil:
			c.add(check.rule, *verdict.finding)
		case len(verdict.unread) > 0:
			open = ask(open, check.rule, verdict.unread)
		case verdict.passed:
			c.Passed = append(c.Passed, check.rule)
		}
	}
	if !ignored(Unresolved, resources) {
		for _, question := range open {
			c.add(Unresolved, question.finding())
		}
	}
	c.Passed = slices.Compact(slices.DeleteFunc(c.Passed, func(rule Rule) bool { // a rule may have two checks
		return c.failed(rule) || isOpen(rule, open)
	}))
	return c
}

func (c *Checkup) add(rule Rule, finding Finding) {
	finding.Source, finding.Function, finding.Rule = c.Source, c.Function, rule
	if finding.Resource.File == "" { // defined elsewhere, so shown where it is used
		finding.Resource.File, finding.Resource.Line = c.Resource.File, c.Resource.Line
	}
	c.Findings = append(c.Findings, finding)
}

func (c *Checkup) failed(rule Rule) bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Rule == rule })
}

func ignored(rule Rule, resources []Resource) bool {
	return slices.ContainsFunc(resources, func(r Resource) bool { return slices.Contains(r.Ignored, rule) })
}

// An openQuestion is a setting that could not be read, with the rules that depend on it.
type openQuestion struct {
	unread
	rules []string
}

func ask(open []openQuestion, rule Rule, settings []unread) []openQuestion {
	for _, setting := range settings {
		i := slices.IndexFunc(open, func(q openQuestion) bool { return q.name == setting.name })
		if i < 0 {
			i = len(open)
			open = append(open, openQuestion{unread: setting})
		}
		if !slices.Contains(open[i].rules, string(rule)) {
			open[i].rules = append(open[i].rules, string(rule))
		}
	}
	return open
}

func isOpen(rule Rule, open []openQuestion) bool {
	return slices.ContainsFunc(open, func(q openQuestion) bool { return slices.Contains(q.rules, string(rule)) })
}

func (q openQuestion) finding() Finding {
	return Finding{
		Severity: Hint,
		Message:  q.name + " " + q.reason + ". Not checked: " + strings.Join(q.rules, ", ") + ".",
		Resource: q.resource,
	}
}
