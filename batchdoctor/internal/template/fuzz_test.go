package template_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/template"
)

// FuzzTemplate checks that no file makes the reader or the rules panic or hang, and that every
// finding can be printed.
func FuzzTemplate(f *testing.F) {
	files, err := filepath.Glob("../../testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte(serverless))
	f.Add([]byte(mapping))
	f.Add([]byte("a: &a [*a]\nResources: {<<: *a, ? [x] : !If [a, *a]}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		deployment, err := template.Read("template.yaml", content)
		if err != nil {
			return
		}
		for _, found := range diagnosis.Findings(diagnosis.Examine(deployment)) {
			if found.Rule == "" || found.Message == "" || found.Resource.Line == 0 {
				t.Errorf("%+v", found)
			}
		}
	})
}
