package main

// The size of a Lambda binary, and the time that its packages take to initialise.

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// The folders of the functions, in the folder size.
const (
	libraryFunction       = "library"
	libraryV2Function     = "library-v2"
	byHandFunction        = "byhand"
	silentLibraryFunction = "library-silent"
	silentByHandFunction  = "byhand-silent"
)

var functions = []string{byHandFunction, libraryFunction, libraryV2Function, silentByHandFunction, silentLibraryFunction}

// A binary has the figures of one function's binary.
type binary struct {
	size int64         // stripped, for arm64
	init time.Duration // of all packages, on this machine
}

func buildFunctions(dir string, starts int) (map[string]binary, error) {
	built := make(map[string]binary)
	native := make(map[string]string)
	for _, name := range functions {
		arm, err := build(dir, name, "GOOS=linux", "GOARCH=arm64")
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(arm)
		if err != nil {
			return nil, err
		}
		built[name] = binary{size: info.Size(), init: time.Hour}
		if native[name], err = build(dir, name); err != nil {
			return nil, err
		}
	}
	for range starts {
		for _, name := range functions {
			took, err := initTime(native[name])
			if err != nil {
				return nil, err
			}
			b := built[name]
			b.init = min(b.init, took)
			built[name] = b
		}
	}
	return built, nil
}

func build(dir, name string, environment ...string) (path string, err error) {
	path = filepath.Join(dir, name+fmt.Sprint(environment))
	command := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-tags=lambda.norpc", "-o", path, "./size/"+name)
	command.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return path, nil
}

var initialised = regexp.MustCompile(`(?m)^init (\S+) @.* ms, (\S+) ms clock,`)

// initTime starts a function, which exits at once because there is no runtime API.
func initTime(path string) (total time.Duration, err error) {
	command := exec.Command(path)
	command.Env = []string{"GODEBUG=inittrace=1"}
	var log bytes.Buffer
	command.Stderr = &log
	_ = command.Run() // the exit status says that there is no runtime API
	packages := initialised.FindAllSubmatch(log.Bytes(), -1)
	if len(packages) == 0 {
		return 0, fmt.Errorf("%s: no init trace in its output: %s", path, log.Bytes())
	}
	for _, p := range packages {
		ms, err := strconv.ParseFloat(string(p[2]), 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ms * float64(time.Millisecond))
	}
	return total, nil
}
