// Package stacktrace makes of the stack of a panic what a person wants to read in a log: where in their code it happened,
// and how they got there.
package stacktrace

import (
	"path"
	"strings"
)

// library is what the functions of this library begin with that may be on a user's stack.
var library = [...]string{
	"github.com/lambdabatch/batch.",
	"github.com/lambdabatch/batch/internal/lanes.",
	"github.com/lambdabatch/batch/envelope.",
	"github.com/lambdabatch/batch/dynamodbitem.",
	"github.com/lambdabatch/batch/once.",
}

type frame struct{ function, file, line string }

// Of reads a stack as [runtime/debug.Stack] writes it. It returns the innermost function of the user's that was running,
// such as "orders.go:41 main.charge", and the stack without the library's frames and the runtime's. A stack that it cannot
// read is returned as it is.
func Of(stack []byte) (at, rest string) {
	frames, source := parse(string(stack))
	var text strings.Builder
	for _, f := range frames {
		text.WriteString(f.function + "\n\t" + f.file + ":" + f.line + "\n")
	}
	if len(frames) == 0 {
		return "", string(stack)
	}
	culprit := frames[0]
	for _, f := range frames {
		if !f.standard(source) {
			culprit = f
			break
		}
	}
	return path.Base(culprit.file) + ":" + culprit.line + " " + path.Base(culprit.function), text.String()
}

// parse returns the frames from the panic on, but for the library's and the runtime's, and where the source of the standard
// library is.
func parse(stack string) (frames []frame, source string) {
	lines := strings.Split(stack, "\n")
	for i := 0; i+1 < len(lines); i++ {
		place, ok := strings.CutPrefix(lines[i+1], "\t")
		if !ok {
			continue
		}
		place, _, _ = strings.Cut(place, " +0x")
		colon := strings.LastIndexByte(place, ':')
		if colon < 0 {
			continue
		}
		f := frame{called(lines[i]), strings.ReplaceAll(place[:colon], `\`, "/"), place[colon+1:]}
		i++
		switch {
		case f.function == "panic":
			frames = frames[:0] // what came before is how it was recovered
		case f.function == "runtime/debug.Stack":
			source = strings.TrimSuffix(f.file, "runtime/debug/stack.go")
		case !f.hidden():
			frames = append(frames, f)
		}
	}
	return frames, source
}

// called is the function of a line such as "main.charge({0x1, 0x2})" or "created by main.main in goroutine 1".
func called(line string) string {
	if starter, ok := strings.CutPrefix(line, "created by "); ok {
		starter, _, _ = strings.Cut(starter, " in goroutine ")
		return starter
	}
	if arguments := strings.LastIndexByte(line, '('); arguments > 0 {
		return line[:arguments]
	}
	return line
}

func (f frame) hidden() bool {
	for _, prefix := range library {
		if strings.HasPrefix(f.function, prefix) {
			return true
		}
	}
	return strings.HasPrefix(f.function, "runtime.")
}

// standard reports whether the function is of the standard library. Where a build has trimmed paths, only its name tells.
func (f frame) standard(source string) bool {
	if source != "" {
		return strings.HasPrefix(f.file, source)
	}
	first, _, nested := strings.Cut(f.function, "/")
	if !nested {
		first, _, _ = strings.Cut(first, ".") // what follows is in the package
	}
	return first != "main" && !strings.Contains(first, ".")
}
