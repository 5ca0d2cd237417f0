package draw

import (
	"fmt"
	"strings"
)

// String is the scene in short: its stages, and per record its group and its fate.
func (s HostileScene) String() string {
	var records []string
	for i, f := range s.Fates {
		r := fmt.Sprintf("%d%s", i, s.Groups[i])
		if f.Do != "" {
			r += fmt.Sprintf(" %s in %d", f.Do, f.Fn)
			if f.Nth > 0 {
				r += fmt.Sprintf(" at call %d", f.Nth)
			}
		}
		records = append(records, r)
	}
	return fmt.Sprintf("%s\npolicy %v, records %s; takes %v, timed %v, cancelled at %v",
		textOf(s.Stages), s.Policy, strings.Join(records, ", "), s.Takes, s.Timed, s.CancelAt)
}

func textOf(all []HostileStage) string {
	var texts []string
	for _, s := range all {
		text := s.Kind
		if s.Fn > 0 {
			text += fmt.Sprint("#", s.Fn)
		}
		text += fmt.Sprint(" ", s.N)
		for _, picked := range s.Picks {
			text += map[bool]string{true: "+", false: "-"}[picked]
		}
		if s.hasInside() {
			text += "(" + textOf(s.In) + ")"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}
