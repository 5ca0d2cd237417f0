package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/examples/internal/local"
	"github.com/lambdabatch/batch/once"
)

func TestTheReadmeOfOnceShowsWhatBecomesOfTheMessages(t *testing.T) {
	is := is.New(t)
	var stdout, story bytes.Buffer
	is.Equal(local.Tell(handler(once.Memory(), new(payments)), builtIn, []string{"once"}, &stdout, &story), 0)
	readme, err := os.ReadFile("../../once/README.md")
	is.NoErr(err)
	shown := 0
	for line := range strings.Lines(story.String()) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "0000000") {
			shown++
			is.True(strings.Contains(string(readme), line)) // a message and what became of it
		}
	}
	is.Equal(shown, 5)
}
