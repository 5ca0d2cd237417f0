package examples_test

import (
	"io/fs"
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
		_, err := fs.Stat(examples.Templates, filepath.Dir(program)+"/template.yaml")
		is.NoErr(err)
	}
}
