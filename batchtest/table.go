package batchtest

import (
	"fmt"
	"math/big"
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
// last column, what became of it in the end: a record is lost if it was listed and
// deleted all the same, since IgnoreResponse is set. Neighbours with the same fate
// share a line. The first lines of the errors follow.
func (r *Run) String() string {
	var out strings.Builder
	if len(r.Invocations) > 0 || len(r.DeadLettered) > 0 {
		writeTable(&out, r.table())
	} else {
		out.WriteString("no invocations\n")
	}
	if slices.ContainsFunc(r.Invocations, func(i Invocation) bool { return len(i.Ignored) > 0 }) {
		out.WriteString("what was listed is lost: without ReportBatchItemFailures nobody reads the answer\n")
	}
	writeErrors(&out, r.Invocations, r.Err)
	return out.String()
}

func (r *Run) table() [][]string {
	columns := columnsOf(len(r.Invocations), maxColumns, lastColumns)
	header := []string{"record"}
	for _, column := range columns {
		header = append(header, columnName(column))
	}
	rows := [][]string{append(header, "")}
	ids, cells := r.cells(columns)
	names := shortened(ids)
	for first := 0; first < len(ids); {
		next := first + 1
		for next < len(ids) && slices.Equal(cells[next], cells[first]) {
			next++
		}
		rows = append(rows, append([]string{together(ids[first:next], names[first:next])}, cells[first]...))
		first = next
	}
	return rows
}

// together names records that share a line. Only of records that follow each other one may name the first and the last:
// m-3, m-5 and m-4 are not m-3 to m-4.
func together(ids, names []string) string {
	const most = 3
	n := len(ids)
	gapless := true
	for i := range n - 1 {
		gapless = gapless && follows(ids[i], ids[i+1])
	}
	switch {
	case n > 1 && gapless:
		return fmt.Sprintf("%s to %s (%d)", names[0], names[n-1], n)
	case n <= most:
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", names[0], n-1)
}

// follows reports whether b is a with the next number at its end.
func follows(a, b string) bool {
	const uuid = 36
	digits, base := "0123456789", 10
	if len(a) == uuid && len(b) == uuid {
		digits, base = "0123456789abcdef", 16
	}
	stem, number := cutNumber(a, digits)
	nextStem, nextNumber := cutNumber(b, digits)
	n, ok := new(big.Int).SetString(number, base)
	next, nextOK := new(big.Int).SetString(nextNumber, base)
	return stem == nextStem && ok && nextOK && next.Cmp(n.Add(n, big.NewInt(1))) == 0
}

func cutNumber(id, digits string) (stem, number string) {
	stem = strings.TrimRight(id, digits)
	return stem, id[len(stem):]
}

// columnsOf lists the invocations that are shown, -1 where some are left out: of
// more than most invocations the first ones, and so many of the last ones.
func columnsOf(invocations, most, last int) []int {
	var columns []int
	for i := range invocations {
		if invocations > most && i >= most-last-1 && i < invocations-last {
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
	ids, fates := r.fates()
	rows := make(map[string][]string, len(ids))
	for _, id := range ids {
		row := make([]string, len(columns)+1)
		row[len(columns)] = fates[id]
		rows[id] = row
		cells = append(cells, row)
	}
	for at, column := range columns {
		if column < 0 {
			continue
		}
		invocation := r.Invocations[column]
		done := setOf(invocation.Done)
		listed, ignored := setOf(invocation.Listed), setOf(invocation.Ignored)
		for _, id := range invocation.Records {
			rows[id][at] = cell(invocation.Outcome, done[id] && !ignored[id], listed[id] || ignored[id])
		}
	}
	return ids, cells
}

// fates says what became of each record in the end, and lists the records in the
// order in which they first came up.
func (r *Run) fates() (ids []string, fates map[string]string) {
	fates = make(map[string]string)
	lost := make(map[string]bool)
	tell := func(id, fate string) {
		if fates[id] == "" {
			ids = append(ids, id)
		}
		fates[id] = fate
	}
	for _, invocation := range r.Invocations {
		ignored := setOf(invocation.Ignored)
		for _, id := range invocation.Records {
			tell(id, "left")
			lost[id] = ignored[id]
		}
	}
	for _, id := range r.Deleted {
		if lost[id] {
			tell(id, "lost")
		} else {
			tell(id, "deleted")
		}
	}
	for _, id := range r.DeadLettered {
		tell(id, "dead-lettered")
	}
	return ids, fates
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

func writeErrors(out *strings.Builder, invocations []Invocation, ended error) {
	failures := failuresOf(invocations)
	for i, failure := range failures {
		if i == maxFailures {
			fmt.Fprintf(out, "and %d more\n", len(failures)-i)
			break
		}
		fmt.Fprintln(out, failure)
	}
	if ended != nil {
		fmt.Fprintf(out, "ended: %v\n", ended)
	}
}

func failuresOf(invocations []Invocation) []string {
	var lines []string
	for i, invocation := range invocations {
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
