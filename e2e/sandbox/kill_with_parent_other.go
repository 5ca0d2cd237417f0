//go:build !linux

package sandbox

import "os/exec"

func endWithParent(*exec.Cmd) {}
