package peers

// The table in docs/peers.md has each test of this folder, and each row of it has a test.

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/matryer/is"
)

const page = "../../docs/peers.md"

type row struct{ scenario, peers, here, tests string }

func TestEveryRowOfTheTableIsPlayedOrSaysWhyNot(t *testing.T) {
	languages := []string{"TS", "Py", "Java", ".NET"}
	played := playedTests(t)
	for _, r := range rows(t) {
		t.Run(r.scenario, func(t *testing.T) {
			is := is.New(t)
			named := strings.Split(r.peers, ", ")
			is.True(slices.IsSortedFunc(named, func(a, b string) int { return slices.Index(languages, a) - slices.Index(languages, b) }))
			for _, language := range named {
				is.True(slices.Contains(languages, language)) // who asserts it
			}
			verdict, reason, _ := strings.Cut(r.here, ": ")
			is.True(slices.Contains([]string{"same", "different", "not applicable"}, verdict))
			is.Equal(verdict == "same", reason == "") // the others need a reason
			is.Equal(verdict == "not applicable", r.tests == "–")
			for _, test := range testNames(r.tests) {
				is.True(slices.Contains(played, test) || strings.Contains(r.tests, "in [")) // internal/readme looks for those elsewhere
			}
		})
	}
}

func TestEveryTestIsInTheTable(t *testing.T) {
	var named []string
	for _, r := range rows(t) {
		named = append(named, testNames(r.tests)...)
	}
	for _, test := range playedTests(t) {
		if !slices.Contains(named, test) {
			t.Errorf("%s is in no row of %s", test, page)
		}
	}
}

func TestThePageCountsItsRows(t *testing.T) {
	is := is.New(t)
	counts := map[string]int{}
	for _, r := range rows(t) {
		verdict, _, _ := strings.Cut(r.here, ": ")
		counts[verdict]++
	}
	sum := fmt.Sprintf("%d scenarios: %d end the same here, %d deliberately differ, and %d do not apply",
		len(rows(t)), counts["same"], counts["different"], counts["not applicable"])
	is.True(strings.Contains(strings.Join(strings.Fields(read(t, page)), " "), sum)) // the page should say this
}

// rows are those of the tables that begin with a scenario.
func rows(t *testing.T) (found []row) {
	t.Helper()
	for line := range strings.Lines(read(t, page)) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 4 || cells[0] == "| scenario" {
			if strings.HasPrefix(line, "| ") && len(cells) != 4 {
				t.Errorf("%s: %d columns in %s", page, len(cells), line)
			}
			continue
		}
		found = append(found, row{strings.TrimPrefix(cells[0], "| "), cells[1], cells[2], strings.TrimSuffix(cells[3], " |")})
	}
	if len(found) < 50 {
		t.Fatalf("%s: only %d rows", page, len(found))
	}
	return found
}

func testNames(cell string) (names []string) {
	for _, quoted := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cell, -1) {
		names = append(names, quoted[1])
	}
	return names
}

// playedTests are the tests of this folder without those of this file.
func playedTests(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file == "table_test.go" {
			continue
		}
		for _, declared := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(read(t, file), -1) {
			names = append(names, declared[1])
		}
	}
	return names
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
