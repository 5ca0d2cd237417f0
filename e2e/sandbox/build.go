package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build compiles the main package as for deployment and returns the binary's path in dir.
func Build(dir, mainPackage string) (string, error) {
	binary := filepath.Join(dir, filepath.Base(mainPackage), "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", binary, mainPackage)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", mainPackage, err, out)
	}
	return binary, nil
}
