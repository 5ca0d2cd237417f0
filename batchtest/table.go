package batchtest

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lambdabatch/batch/internal/printable"
	"github.com/samber/lo"
)

const (
	// A run with more than maxColumns invocations shows the first ones and lastColumns of the
	// last ones.
	maxColumns  = 12
	lastColumns = 4

	// maxFailures is how many failed invocations are explained below the table.
	maxFailures = 10

	gap = "…"
)

// String returns a table with a row per record and a column per invocation. Long runs show only
// the first and the last invocations. A cell says what the invocation made of the record:
//
//   - ok: it is finished.
//   - listed: the response lists it as failed.
//   - failed: the whole invocation failed.
//   - again: it is not listed but is redelivered all the same.
//
// The last column says how the record ended: deleted, dead-lettered, or still there. It is lost if
// the response listed it but the service deleted it because IgnoreResponse is set.
//
// Adjacent records with equal cells share a row. Below the table is the first line of each error.
func (r *Run) String() string {
	var out strings.Builder
	if len(r.Invocations) > 0 || len(r.DeadLettered) > 0 {
		writeTable(&out, r.table())
	} else {
		out.WriteString("no invocations\n")
	}
	if slices.ContainsFunc(r.Invocations, func(i Invocation) bool { return len(i.Ignored) > 0 }) {
		out.WriteString("listed records are lost: without ReportBatchItemFailures the service ignores the response\n")
	}
	writeErrors(&out, r.Invocations, r.Err)
	return out.String()
}

func (r *Run) table() [][]string {
	columns := columnsOf(len(r.Invocations), maxColumns, lastColumns)
	header := append([]string{"record"}, lo.Map(columns, func(column, _ int) string { return columnName(column) })...)
	rows := [][]string{append(header, "")}
	ids, cells := r.cells(columns)
	names := shortened(ids)
	for first := 0; first < len(ids); {
		next := first + 1
		for next < len(ids) && slices.Equal(cells[next], cells[first]) {
			next++
		}
		rows = append(rows, append([]string{rowName(ids[first:next], names[first:next])}, cells[first]...))
		first = next
	}
	return rows
}

// rowName names the records that share a row. It shortens them to the first and the last only if
// they are consecutive: m-3, m-5, m-4 is not m-3 to m-4.
func rowName(ids, names []string) string {
	const most = 3
	n := len(ids)
	consecutive := lo.EveryBy(lo.Range(n-1), func(i int) bool { return isNext(ids[i], ids[i+1]) })
	switch {
	case n > 1 && consecutive:
		return fmt.Sprintf("%s to %s (%d)", names[0], names[n-1], n)
	case n <= most:
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", names[0], n-1)
}

// isNext reports whether b is a with the next number at its end.
func isNext(a, b string) bool {
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

// columnsOf returns the invocations to show, and -1 in place of those that are left out. If there
// are more than most, it returns the first ones and so many of the last ones.
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

// cells returns the rows without their names, in the order in which the records first appear.
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

// fates returns how each record ended, and the records in the order in which they first appear.
func (r *Run) fates() (ids []string, fates map[string]string) {
	fates = make(map[string]string)
	lost := make(map[string]bool)
	set := func(id, fate string) {
		if fates[id] == "" {
			ids = append(ids, id)
		}
		fates[id] = fate
	}
	for _, invocation := range r.Invocations {
		ignored := setOf(invocation.Ignored)
		for _, id := range invocation.Records {
			set(id, stillThere)
			lost[id] = ignored[id]
		}
	}
	for _, id := range r.Deleted {
		if lost[id] {
			set(id, "lost")
		} else {
			set(id, "deleted")
		}
	}
	for _, id := range r.DeadLettered {
		set(id, "dead-lettered")
	}
	return ids, fates
}

// stillThere is the fate of a record that a Drain did not finish.
const stillThere = "still there"

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
	return lo.Associate(ids, func(id string) (string, bool) { return id, true })
}

// shortened cuts off the common beginning of long IDs, such as sequence numbers.
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
	return lo.Map(ids, func(id string, _ int) string { return gap + strings.ToValidUTF8(id[common:], "") })
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
		fmt.Fprintln(out, "ended early:", printable.ErrorText(ended))
	}
}

func failuresOf(invocations []Invocation) []string {
	return lo.FilterMap(invocations, func(inv Invocation, i int) (string, bool) {
		if inv.Err == nil {
			return "", false
		}
		return fmt.Sprintf("invocation %d failed: %s", i+1, firstLine(printable.ErrorText(inv.Err))), true
	})
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
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
