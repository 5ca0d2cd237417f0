package readme

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/matryer/is"
)

// The README rounds what the benchmark measured, and adds nothing.
func TestTheFiguresOfTheReadmeAreThoseOfTheBenchmark(t *testing.T) {
	is := is.New(t)
	measured := elapsed(t)
	rows := regexp.MustCompile("(?m)^\\| ([\\d,]+) (SQS|Kinesis|DynamoDB) \\w+(, `GOMAXPROCS=1`)? \\| (.*) \\|$").FindAllStringSubmatch(read(t, root+"/README.md"), -1)
	is.Equal(len(rows), 7)
	for _, row := range rows {
		records, source := strings.ReplaceAll(row[1], ",", ""), row[2]
		if len(records) < 3 {
			records += ", none refused"
		}
		records += strings.ReplaceAll(row[3], "`", "")
		for i, figure := range strings.Split(row[4], " | ") {
			rival := []string{"batch, json/v2", "batch, encoding/json", "lambda.NewHandler, loop", "Powertools TypeScript, sync"}[i]
			if source == "DynamoDB" {
				rival, _, _ = strings.Cut(rival, ", json/v2") // attributes, no JSON
				rival, _, _ = strings.Cut(rival, ", encoding/json")
			}
			is.Equal(figure, measured[source+"|"+records+"|"+rival]) // elapsed, by source, records and rival
		}
	}
}

// elapsed returns the times in the benchmark's tables, in µs.
func elapsed(t *testing.T) map[string]string {
	t.Helper()
	times := make(map[string]string)
	source := ""
	for line := range strings.Lines(read(t, root+"/bench/results/figures.md")) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			source, _, _ = strings.Cut(heading, ",")
		}
		cells := strings.Split(line, " | ")
		if len(cells) < 4 {
			continue
		}
		if ns, err := strconv.ParseFloat(strings.TrimSuffix(cells[3], " ns"), 64); err == nil {
			times[source+"|"+strings.TrimPrefix(cells[0], "| ")+"|"+cells[1]] = fmt.Sprintf("%.1f µs", ns/1000)
		}
	}
	return times
}
