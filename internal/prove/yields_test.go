package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/matryer/is"
)

func TestEveryStatementYieldsOnItsOwnLine(t *testing.T) {
	is := is.New(t)
	changed, name, err := withYields([]byte(`package lanes

// F is kept.
func F(c chan int) {
	switch {
	case true:
		go func() { close(c) }()
	}
	select {
	case <-c: // an end
		return
	}
}

//go:noinline
func g() { F(nil) }
`))
	is.NoErr(err)
	is.Equal(name, "lanes")
	is.Equal(string(changed), `package lanes

// F is kept.
func F(c chan int) {
	yieldAtRandom(); switch {
	case true:
		yieldAtRandom(); go func() { yieldAtRandom(); close(c) }()
	}
	yieldAtRandom(); select {
	case <-c: // an end
		yieldAtRandom(); return
	}
}

//go:noinline
func g() { F(nil) }
`)
}

func TestAnOverlayReplacesTheFilesThatYieldAndNoTests(t *testing.T) {
	is := is.New(t)
	t.Chdir("../..")
	root, err := os.Getwd()
	is.NoErr(err)
	name, err := newOverlay(t.TempDir())
	is.NoErr(err)
	content, err := os.ReadFile(name)
	is.NoErr(err)
	var overlay struct{ Replace map[string]string }
	is.NoErr(json.Unmarshal(content, &overlay))
	for file, replaced := range map[string]bool{
		"parallel.go": true, "internal/lanes/lane.go": true, "yield_at_random.go": true,
		"parallel_crash_test.go": false, "internal/wire/sqs.go": false,
	} {
		_, ok := overlay.Replace[filepath.Join(root, filepath.FromSlash(file))]
		is.Equal(ok, replaced) // file
	}
}
