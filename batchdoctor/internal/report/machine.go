package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

type jsonFinding struct {
	Source   string         `json:"source"`
	Function string         `json:"function"`
	Rule     diagnosis.Rule `json:"rule"`
	Severity string         `json:"severity"`
	Message  string         `json:"message"`
}

// JSON prints an array of the findings.
func JSON(w io.Writer, checkups []diagnosis.Checkup) error {
	findings := []jsonFinding{}
	for _, f := range diagnosis.Findings(checkups) {
		findings = append(findings, jsonFinding{f.Source, f.Function, f.Rule, f.Severity.String(), f.Message})
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(findings)
}

// GitHub prints a workflow command per finding, which GitHub Actions shows next to the line.
func GitHub(w io.Writer, checkups []diagnosis.Checkup) error {
	for _, f := range diagnosis.Findings(checkups) {
		at := ""
		if f.Resource.File != "" {
			at = fmt.Sprintf("file=%s,line=%d,", property(f.Resource.File), f.Resource.Line)
		}
		if _, err := fmt.Fprintf(w, "::%s %stitle=%s::%s\n", command(f.Severity), at, property(title(f)), data(f.Message)); err != nil {
			return err
		}
	}
	return nil
}

func title(f diagnosis.Finding) string {
	if f.Function == "" {
		return fmt.Sprintf("%s (%s)", f.Source, f.Rule)
	}
	return fmt.Sprintf("%s → %s (%s)", f.Source, f.Function, f.Rule)
}

func command(s diagnosis.Severity) string {
	if s == diagnosis.Hint {
		return "notice"
	}
	return s.String()
}

// data escapes the message of a workflow command.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property escapes a property of a workflow command.
func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
