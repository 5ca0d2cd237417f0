package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A pkg is a package as go list describes it.
type pkg struct {
	Name         string
	Dir          string
	ImportPath   string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Module       struct{ Dir string }
}

func load(ctx context.Context, patterns ...string) ([]pkg, error) {
	list := exec.CommandContext(ctx, "go", append([]string{"list", "-json"}, patterns...)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, err
		}
		packages = append(packages, p)
	}
}

// mutants returns the mutants of all files of the package.
func (p pkg) mutants() ([]mutant, error) {
	var all []mutant
	for _, file := range p.GoFiles {
		source, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			return nil, err
		}
		name, err := filepath.Rel(p.Module.Dir, filepath.Join(p.Dir, file))
		if err != nil {
			return nil, err
		}
		found, err := find(filepath.ToSlash(name), source)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// testsHash changes whenever a test file of the package does.
func (p pkg) testsHash() (string, error) {
	var parts [][]byte
	for _, file := range append(p.TestGoFiles, p.XTestGoFiles...) {
		source, err := os.ReadFile(filepath.Join(p.Dir, file))
		if err != nil {
			return "", err
		}
		parts = append(parts, source)
	}
	return hashOf(parts...), nil
}
