package batchtest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// A run with more invocations than maxColumns shows the first and the last
	// of them.
	maxColumns  = 12
	lastColumns = 4

	// maxFailures is how many failed invocations are explained below the table.
	maxFailures = 10

	gap = "…"
)

// String is a table with a line for each record and a column for each
// invocation, of which long runs show the first and the last ones. It says what
// the invocation made of the record (ok; listed as failed; failed with its
// whole batch; or again: not listed, and yet to be delivered again) and, in the
// last column, what became of it in the end. Neighbours with the same fate
// share a line. Below it stand the first lines of the errors.
func (r *Run) String() string {
	var out strings.Builder
	if len(r.Invocations) > 0 || len(r.DeadLettered) > 0 {
		writeTable(&out, r.table())
	} else {
		out.WriteString("no invocations\n")
	}
	failures := r.failures()
	for i, failure := range failures {
		if i == maxFailures {
			fmt.Fprintf(&out, "and %d more\n", len(failures)-i)
			break
		}
		fmt.Fprintln(&out, failure)
	}
	if r.Err != nil {
		fmt.Fprintf(&out, "ended: %v\n", r.Err)
	}
	return out.String()
}

func (r *Run) table() [][]string {
	columns := columnsOf(len(r.Invocations))
	header := []string{"record"}
	for _, column := range columns {
		header = append(header, columnName(column))
	}
	rows := [][]string{append(header, "")}
	first, n := "", 0
	ids, cells := r.cells(columns)
	for i, id := range ids {
		row := cells[i]
		if n > 0 && slices.Equal(row, rows[len(rows)-1][1:]) {
			n++
			rows[len(rows)-1][0] = fmt.Sprintf("%s to %s (%d)", first, id, n)
			continue
		}
		first, n = id, 1
		rows = append(rows, append([]string{id}, row...))
	}
	return rows
}

// columnsOf lists the invocations that are shown, -1 where some are left out.
func columnsOf(invocations int) []int {
	var columns []int
	for i := range invocations {
		if invocations > maxColumns && i >= maxColumns-lastColumns-1 && i < invocations-lastColumns {
			if columns[len(columns)-1] >= 0 {
				columns = append(columns, -1)
			}
			continue
		}
		columns = append(columns, i)
	}
	return columns
}

func columnName(column int) string {
	if column < 0 {
		return gap
	}
	return fmt.Sprint(column + 1)
}

// cells are the lines without the name of their record, in the order in which
// records first came up.
func (r *Run) cells(columns []int) (ids []string, cells [][]string) {
	rows := make(map[string][]string)
	row := func(id string) []string {
		if rows[id] == nil {
			rows[id] = make([]string, len(columns)+1)
			rows[id][len(columns)] = "left"
			ids = append(ids, id)
		}
		return rows[id]
	}
	for i, invocation := range r.Invocations {
		at := slices.Index(columns, i)
		done := setOf(invocation.Done)
		listed := setOf(invocation.Listed)
		for _, id := range invocation.Records {
			cells := row(id)
			if at >= 0 {
				cells[at] = cell(invocation.Outcome, done[id], listed[id])
			}
		}
	}
	for _, id := range r.Deleted {
		row(id)[len(columns)] = "deleted"
	}
	for _, id := range r.DeadLettered {
		row(id)[len(columns)] = "dead-lettered"
	}
	for _, id := range ids {
		cells = append(cells, rows[id])
	}
	return shortened(ids), cells
}

func cell(outcome Outcome, done, listed bool) string {
	switch {
	case outcome == Failure:
		return "failed"
	case done:
		return "ok"
	case listed:
		return "listed"
	}
	return "again"
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// shortened leaves out what long IDs, sequence numbers above all, have in common.
func shortened(ids []string) []string {
	const long, kept = 20, 6
	common := 0
	if len(ids) > 0 {
		common = len(ids[0]) - kept
	}
	for _, id := range ids {
		if len(id) < long {
			return ids
		}
		for !strings.HasPrefix(id, ids[0][:max(common, 0)]) {
			common--
		}
		common = min(common, len(id)-kept)
	}
	if common <= kept {
		return ids
	}
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = gap + strings.ToValidUTF8(id[common:], "")
	}
	return short
}

func (r *Run) failures() []string {
	var lines []string
	for i, invocation := range r.Invocations {
		if invocation.Err != nil {
			text, _, _ := strings.Cut(invocation.Err.Error(), "\n")
			lines = append(lines, fmt.Sprintf("invocation %d failed: %s", i+1, text))
		}
	}
	return lines
}

func writeTable(out *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
}
