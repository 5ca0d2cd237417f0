package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// A score says how many mutants of a package were killed.
type score struct {
	name       string
	all        int // mutants in the package
	equivalent int // of them are listed
	counted    int
	killed     int
	took       time.Duration
	survivors  []mutant
}

func (s *score) count(m mutant, v verdict) {
	switch v {
	case killed:
		s.counted++
		s.killed++
	case survived:
		s.counted++
		s.survivors = append(s.survivors, m)
	}
}

func printScores(w io.Writer, scores []score) {
	for _, s := range scores {
		if len(s.survivors) > 0 {
			fmt.Fprintf(w, "\n%s: survivors\n", s.name)
		}
		for _, m := range s.survivors {
			fmt.Fprintf(w, "  %v\n", m)
		}
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "package\tmutants\tcounted\tkilled\tscore\tequivalent\ttime")
	for _, s := range scores {
		share := "-"
		if s.counted > 0 {
			share = fmt.Sprintf("%.1f %%", 100*float64(s.killed)/float64(s.counted))
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%d\t%v\n",
			s.name, s.all, s.counted, s.killed, share, s.equivalent, s.took.Round(time.Second))
	}
	table.Flush()
}
