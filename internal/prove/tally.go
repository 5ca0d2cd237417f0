package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// A tally says how often schedules reached something: a kind of stage, "kind > later kind", or "kind outcome".
type tally map[string]int

// String is a table of the kinds of stages and what their functions did, and a line about pairs of stages.
func (t tally) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	outcomes := []string{"error", "panic", "exit", "stuck", "slow"}
	fmt.Fprintf(w, "\tdrawn\t%s\t\n", strings.Join(outcomes, "\t"))
	kinds := t.kinds()
	for _, kind := range kinds {
		fmt.Fprintf(w, "%s\t%d\t", kind, t[kind])
		for _, outcome := range outcomes {
			fmt.Fprintf(w, "%d\t", t[kind+" "+outcome])
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	fmt.Fprintf(&b, "%s\n", t.pairs(kinds))
	for _, what := range slices.Sorted(maps.Keys(t)) {
		if !slices.ContainsFunc(kinds, func(kind string) bool { return what == kind || strings.HasPrefix(what, kind+" ") }) {
			fmt.Fprintf(&b, "%s: %d\n", what, t[what])
		}
	}
	return b.String()
}

// kinds returns the kinds of stages: what comes first in a pair, and the ends of pipelines.
func (t tally) kinds() []string {
	found := make(map[string]bool)
	for what := range t {
		if first, second, ok := strings.Cut(what, " > "); ok {
			found[first], found[second] = true, true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// pairs says which pairs of stages, in this order in a pipeline, were rarest.
func (t tally) pairs(kinds []string) string {
	pairs, rarest, missing := 0, "", []string(nil)
	for _, first := range kinds {
		if first == "effect" || first == "chunk" {
			continue // the last one
		}
		for _, second := range kinds {
			pair := first + " > " + second
			switch {
			case t[pair] == 0 && !(first == "flatMap" && second == "flatMap"): // never drawn
				missing = append(missing, pair)
			case t[pair] > 0:
				pairs++
				if rarest == "" || t[pair] < t[rarest] {
					rarest = pair
				}
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Sprintf("%d pairs of stages; not reached: %s", pairs, strings.Join(missing, ", "))
	}
	return fmt.Sprintf("%d pairs of stages, each reached; the rarest, %s, %d times", pairs, rarest, t[rarest])
}
