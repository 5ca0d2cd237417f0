package readme

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDocumentsNameOnlyTestsThatExist(t *testing.T) {
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

// A document names a Go file by its path from the root or from the document, or by its name alone.
func TestDocumentsNameOnlyGoFilesThatExist(t *testing.T) {
	names := make(map[string]bool)
	for _, file := range files(t, ".go") {
		for path := strings.TrimPrefix(file, root+"/"); path != ""; {
			names[path] = true
			_, path, _ = strings.Cut(path, "/")
		}
	}
	for _, file := range files(t, ".md") {
		if strings.HasSuffix(file, "CHANGELOG.md") {
			continue // it speaks of the past
		}
		for _, name := range regexp.MustCompile("`([\\w/]+\\.go)`").FindAllStringSubmatch(prose(t, file), -1) {
			if !names[name[1]] {
				t.Errorf("%s: no file %s", file, name[1])
			}
		}
	}
}
