package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/examples"
)

func TestEveryFunctionHasATemplate(t *testing.T) {
	is := is.New(t)
	programs, err := filepath.Glob("*/main.go")
	is.NoErr(err)
	is.True(len(programs) > 0)
	for _, program := range programs {
		folder := filepath.Dir(program)
		templates := fs.FS(examples.Templates)
		if _, err := os.Stat(folder + "/go.mod"); err == nil {
			templates = os.DirFS(".") // nothing of another module can be embedded
		}
		_, err := fs.Stat(templates, folder+"/template.yaml")
		is.NoErr(err)
	}
}

// The README, the package comment and the comment of each program agree on its number and its command.
func TestEveryFunctionHasItsNumberAndItsCommand(t *testing.T) {
	is := is.New(t)
	readme, err := os.ReadFile("README.md")
	is.NoErr(err)
	doc, err := os.ReadFile("examples.go")
	is.NoErr(err)
	programs, err := filepath.Glob("*/main.go")
	is.NoErr(err)
	rows := regexp.MustCompile("(?m)^\\| (\\d+) \\| \\[(\\w+)\\]\\((\\w+)/\\w+\\.go\\) \\| `(go run [^`]+)` \\|").FindAllStringSubmatch(string(readme), -1)
	is.Equal(len(rows), len(programs))
	for i, row := range rows {
		number, folder, command := row[1], row[2], row[4]
		is.Equal(number, strconv.Itoa(i+1))
		is.Equal(row[3], folder)
		want := "go run ./examples/" + folder
		if _, err := os.Stat(folder + "/go.mod"); err == nil {
			want = "go run -C examples/" + folder + " ."
		}
		is.Equal(command, want)
		is.True(strings.Contains(string(doc), "//  "+number+". "+folder+": "))
		program, err := os.ReadFile(folder + "/main.go")
		is.NoErr(err)
		is.True(strings.Contains(string(program), " is example "+number+": "))
		is.True(strings.Contains(string(program), "//	"+command+" ["))
	}
}
