// Package readme holds each README of the tree to its word: all code in it is compiled here or
// elsewhere in the tree, and the files that it names exist.
package readme

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func TestAllCodeInReadmesIsCompiled(t *testing.T) {
	var sources []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		sources = append(sources, flat(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range readmes(t) {
		for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, file), -1) {
			if !compiled(flat(block[1]), sources) {
				t.Errorf("%s: in no Go file of the tree:\n%s", file, block[1])
			}
		}
	}
}

func compiled(code string, sources []string) bool {
	for _, source := range sources {
		if strings.Contains(source, code) {
			return true
		}
	}
	return false
}

func TestReadmesNameOnlyWhatIsThere(t *testing.T) {
	for _, file := range readmes(t) {
		text := regexp.MustCompile("(?s)```.*?```").ReplaceAllString(read(t, file), "")
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), link[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func TestTheReadmeNamesOnlyTestsThatThereAre(t *testing.T) {
	var tests strings.Builder
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			text, err := os.ReadFile(path)
			tests.Write(text)
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile("`((?:Test|Fuzz|Example|Benchmark)[A-Z]\\w+)`").FindAllStringSubmatch(read(t, root+"/README.md"), -1) {
		if !strings.Contains(tests.String(), "func "+name[1]+"(") {
			t.Errorf("no test is called %s", name[1])
		}
	}
}

// flat takes the indentation away, and the empty lines.
func flat(code string) string {
	var lines []string
	for line := range strings.Lines(code) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// readmes are the README files of the tree.
func readmes(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.Name() == "README.md":
			files = append(files, path)
		}
		return nil
	})
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
