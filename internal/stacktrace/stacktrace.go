// Package stacktrace reduces the stack of a panic to what users want to read in a log: which of their functions it
// happened in, and which of their calls led there.
package stacktrace

import (
	"path"
	"runtime/debug"
	"strings"
)

// Of reads a stack as [runtime/debug.Stack] writes it. It returns the innermost function of the user that was
// running, such as "orders.go:41 main.charge", and the stack without the frames of this library and the runtime. If
// it cannot read the stack, it returns it unchanged.
func Of(stack []byte) (at, rest string) {
	var module string
	if info, ok := debug.ReadBuildInfo(); ok {
		module = info.Main.Path
	}
	return in(module, stack)
}

// in is Of in a program with this main module, "" if it is not known.
func in(module string, stack []byte) (at, rest string) {
	frames, goroot := parse(string(stack))
	var text strings.Builder
	for _, f := range frames {
		text.WriteString(f.function + "\n\t" + f.file + ":" + f.line + "\n")
	}
	if len(frames) == 0 {
		return "", string(stack)
	}
	blamed := frames[0]
	for _, f := range frames {
		if !f.inStandardLibrary(goroot, module) {
			blamed = f
			break
		}
	}
	return path.Base(blamed.file) + ":" + blamed.line + " " + path.Base(blamed.function), text.String()
}

// parse returns the frames that led to the panic, without those of this library and the runtime. goroot is the source
// directory of the standard library.
func parse(stack string) (frames []frame, goroot string) {
	lines := strings.Split(stack, "\n")
	for i, next := range lines[1:] {
		place, ok := strings.CutPrefix(next, "\t")
		if !ok {
			continue
		}
		place, _, _ = strings.Cut(place, " +0x")
		colon := strings.LastIndexByte(place, ':')
		if colon <= 0 {
			continue
		}
		f := frame{functionOf(lines[i]), strings.ReplaceAll(place[:colon], `\`, "/"), place[colon+1:]}
		switch {
		case f.function == "panic":
			frames = frames[:0] // the frames above belong to the recovery
		case f.function == "runtime/debug.Stack":
			goroot = strings.TrimSuffix(f.file, "runtime/debug/stack.go")
		case !f.hidden():
			frames = append(frames, f)
		}
	}
	return frames, goroot
}

// functionOf returns the function in a line such as "main.charge({0x1, 0x2})" or "created by main.main in goroutine
// 1".
func functionOf(line string) string {
	if starter, ok := strings.CutPrefix(line, "created by "); ok {
		starter, _, _ = strings.Cut(starter, " in goroutine ")
		return starter
	}
	if arguments := strings.LastIndexByte(line, '('); arguments > 0 {
		return line[:arguments]
	}
	return line
}

type frame struct{ function, file, line string }

// libraryPrefixes are the prefixes of this library's functions that may be on a user's stack.
var libraryPrefixes = [...]string{
	"github.com/lambdabatch/batch.",
	"github.com/lambdabatch/batch/internal/lanes.",
	"github.com/lambdabatch/batch/envelope.",
	"github.com/lambdabatch/batch/dynamodbitem.",
	"github.com/lambdabatch/batch/once.",
}

func (f frame) hidden() bool {
	for _, prefix := range libraryPrefixes {
		if strings.HasPrefix(f.function, prefix) {
			return true
		}
	}
	return strings.HasPrefix(f.function, "runtime.")
}

// inStandardLibrary reports whether the function belongs to the standard library. If the build has trimmed paths,
// only its name tells. The main module need not have a path like those of other modules.
func (f frame) inStandardLibrary(goroot, module string) bool {
	if goroot != "" {
		return strings.HasPrefix(f.file, goroot)
	}
	if strings.HasPrefix(f.function, module+"/") || strings.HasPrefix(f.function, module+".") {
		return false
	}
	first, _, nested := strings.Cut(f.function, "/")
	if !nested {
		first, _, _ = strings.Cut(first, ".") // what follows is the function
	}
	return first != "main" && !strings.Contains(first, ".")
}
