// Package report prints findings for people, for programs and for GitHub.
package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

const (
	labelWidth = 10
	lineWidth  = 100
)

// Text prints a block per checkup for a person.
func Text(w io.Writer, checkups []diagnosis.Checkup) error {
	p := printer{w: w}
	for _, c := range checkups {
		p.checkup(c)
	}
	p.line("%s", summary(checkups))
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

// line prints a line. Names come from the template, so a control character in one could
// otherwise begin a line of its own, and GitHub Actions runs a line such as "::add-path::x".
func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, strings.Map(visible, fmt.Sprintf(format, args...)))
	}
}

func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

func (p *printer) checkup(c diagnosis.Checkup) {
	title := c.Source
	if c.Function != "" {
		title += " → " + c.Function
	}
	p.line("%s%s", title, place(c.Resource))
	for _, f := range c.Findings {
		p.finding(f)
	}
	p.rules("silenced", c.Silenced)
	p.rules("ok", c.Passed)
	p.line("")
}

func place(r diagnosis.Resource) string {
	if r.File == "" {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", r.File, r.Line)
}

func (p *printer) finding(f diagnosis.Finding) {
	p.labelled(f.Severity.String(), string(f.Rule)+": "+f.Message)
	if lines := snippet(f); len(lines) > 0 {
		p.indented(where(f.Resource))
		for _, line := range lines {
			p.indented("  " + line)
		}
	}
	if f.Page != "" {
		p.indented(f.Page)
	}
}

func where(r diagnosis.Resource) string {
	switch {
	case r.Format == diagnosis.CommandLine:
		return "Run:"
	case r.Generator != "":
		return r.Generator + " cannot set this. Define the resource that it generates yourself, and set:"
	case r.Address == "":
		return fmt.Sprintf("Set where %s is defined:", r.Name)
	}
	return fmt.Sprintf("Set in %s%s:", r.Address, place(r))
}

func (p *printer) rules(label string, rules []diagnosis.Rule) {
	if len(rules) == 0 {
		return
	}
	names := make([]string, len(rules))
	for i, rule := range rules {
		names[i] = string(rule)
	}
	p.labelled(label, strings.Join(names, ", "))
}

// labelled prints text in lines, after a label.
func (p *printer) labelled(label, text string) {
	line := fmt.Sprintf("  %-*s", labelWidth-2, label)
	empty := true
	for word := range strings.FieldsSeq(text) {
		if !empty && len(line)+1+len(word) > lineWidth {
			p.line("%s", line)
			line = strings.Repeat(" ", labelWidth-1)
		}
		line += " " + word
		empty = false
	}
	p.line("%s", line)
}

func (p *printer) indented(text string) { p.line("%*s%s", labelWidth, "", text) }

func summary(checkups []diagnosis.Checkup) string {
	if len(checkups) == 0 {
		return "No event source mapping and no Firehose transformation was found."
	}
	counts := make(map[diagnosis.Severity]int)
	for _, f := range diagnosis.Findings(checkups) {
		counts[f.Severity]++
	}
	var parts []string
	for _, severity := range []diagnosis.Severity{diagnosis.Error, diagnosis.Warning, diagnosis.Hint} {
		switch n := counts[severity]; n {
		case 0:
		case 1:
			parts = append(parts, fmt.Sprintf("1 %s", severity))
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, severity))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "Nothing is wrong.")
}
