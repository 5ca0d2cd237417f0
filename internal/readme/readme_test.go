// Package readme checks the documents of the repository: their code is compiled, their links lead
// somewhere, and what they show is what the commands print.
package readme

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/matryer/is"
)

const root = "../.."

func TestAllCodeInDocumentsIsCompiled(t *testing.T) {
	var sources []string
	for _, file := range files(t, ".go") {
		sources = append(sources, flat(read(t, file)))
	}
	for _, file := range files(t, ".md") {
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

// flat removes indentation and empty lines.
func flat(code string) string {
	var lines []string
	for line := range strings.Lines(code) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	for _, file := range files(t, ".md") {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(prose(t, file), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			name, section, _ := strings.Cut(link[1], "#")
			target := file
			if name != "" {
				target = filepath.Join(filepath.Dir(file), name)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", file, err)
			} else if section != "" && !sections(t, target)[section] {
				t.Errorf("%s: %s has no section %q", file, target, section)
			}
		}
	}
}

// sections are the anchors of a document's headings, as GitHub makes them.
func sections(t *testing.T, file string) map[string]bool {
	anchors := make(map[string]bool)
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(t, file), -1) {
		anchors[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1])] = true
	}
	return anchors
}

func TestTheReadmeIsShort(t *testing.T) {
	is := is.New(t)
	is.True(strings.Count(read(t, root+"/README.md"), "\n") <= 200)
}

func TestTheReadmeShowsWhatItsCommandPrints(t *testing.T) {
	is := is.New(t)
	command := exec.Command("go", "run", "./examples/orders")
	command.Dir = root
	printed, err := command.CombinedOutput()
	is.NoErr(err)
	is.True(len(printed) > 0)
	is.True(strings.Contains(flat(read(t, root+"/README.md")), flat(string(printed)))) // go run ./examples/orders
}

// prose is a document without its code blocks.
func prose(t *testing.T, file string) string {
	t.Helper()
	return regexp.MustCompile("(?s)```.*?```").ReplaceAllString(read(t, file), "")
}

// files are those of the repository with an extension.
func files(t *testing.T, extension string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case filepath.Ext(path) == extension:
			found = append(found, path)
		}
		return nil
	})
	if err != nil || len(found) < 5 {
		t.Fatal(found, err)
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
