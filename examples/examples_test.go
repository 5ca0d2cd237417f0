package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
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
