package batchvet_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/matryer/is"
)

func TestThisRepositoryIsSilent(t *testing.T) {
	is := is.New(t)
	tool := filepath.Join(t.TempDir(), "batchvet")
	is.NoErr(run(t, ".", "go", "build", "-o", tool, "./cmd/batchvet").err)
	for _, module := range modules(t) {
		t.Run(module, func(t *testing.T) {
			for _, command := range [][]string{{"go", "vet", "-vettool=" + tool, "./..."}, {tool, "./..."}} {
				is.New(t).NoErr(run(t, module, command...).err)
			}
		})
	}
}

// modules lists the folders of the repository's modules.
func modules(t *testing.T) (folders []string) {
	t.Helper()
	for _, pattern := range []string{"../go.mod", "../*/go.mod", "../*/*/go.mod"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			folders = append(folders, filepath.Dir(file))
		}
	}
	if len(folders) < 2 {
		t.Fatalf("modules: %v", folders)
	}
	return folders
}

const unusedStream = `package main

import "github.com/lambdabatch/batch"

func main() { batch.Of(1) }
`

func TestTheCommandsOfTheReadmeFindMistakes(t *testing.T) {
	is := is.New(t)
	function := moduleNextToCheckout(t)

	text, err := os.ReadFile("README.md")
	is.NoErr(err)
	checks := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for command := range strings.Lines(block[1]) {
			got := run(t, function, "sh", "-c", command)
			if !strings.Contains(command, "./...") {
				is.NoErr(got.err) // it builds the tool
				continue
			}
			checks++
			is.True(got.err != nil)
			is.True(strings.Contains(got.output, "main.go:5:15: the stream returned by batch.Of is unused"))
		}
	}
	is.Equal(checks, 2)
}

// moduleNextToCheckout makes a module for a function in a folder next to the repository.
func moduleNextToCheckout(t *testing.T) (folder string) {
	t.Helper()
	is := is.New(t)
	repository, err := filepath.Abs("..")
	is.NoErr(err)
	there := t.TempDir()
	is.NoErr(os.Symlink(repository, filepath.Join(there, "batch")))
	folder = filepath.Join(there, "function")
	is.NoErr(os.Mkdir(folder, 0o700))
	is.NoErr(os.WriteFile(filepath.Join(folder, "main.go"), []byte(unusedStream), 0o600))
	sums, err := os.ReadFile("go.sum")
	is.NoErr(err)
	is.NoErr(os.WriteFile(filepath.Join(folder, "go.sum"), sums, 0o600))
	mod, err := os.ReadFile("go.mod")
	is.NoErr(err)
	own := strings.NewReplacer("module github.com/lambdabatch/batch/batchvet", "module function", "=> ../", "=> ../batch").Replace(string(mod))
	is.NoErr(os.WriteFile(filepath.Join(folder, "go.mod"), []byte(own), 0o600))
	return folder
}

type outcome struct {
	output string
	err    error
}

func run(t *testing.T, folder string, command ...string) outcome {
	t.Helper()
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.Dir = folder
	c.Env = append(os.Environ(), "GOWORK=off")
	output, err := c.CombinedOutput()
	t.Logf("%s: %v\n%s", command, err, output)
	return outcome{string(output), err}
}
