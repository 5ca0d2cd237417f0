package readme

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheReadmeNamesOnlyTestsThatThereAre(t *testing.T) {
	tests := testFunctions(t)
	name := regexp.MustCompile("`((?:Test|Fuzz|Example|Benchmark)[A-Z]\\w+)`")
	for _, document := range files(t, ".md") {
		if filepath.Base(filepath.Dir(document)) == "results" { // written by the bench
			continue
		}
		for _, named := range name.FindAllStringSubmatch(read(t, document), -1) {
			if !tests[named[1]] {
				t.Errorf("%s: no test is called %s", document, named[1])
			}
		}
	}
}

func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (\w+)\(`)
	for _, file := range files(t, ".go") {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, declared := range function.FindAllStringSubmatch(read(t, file), -1) {
			names[declared[1]] = true
		}
	}
	return names
}
