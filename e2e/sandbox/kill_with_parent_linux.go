package sandbox

import (
	"os/exec"
	"syscall"
)

// killWithParent makes the kernel kill the process if the test ends without cleaning up.
// A frozen process would otherwise remain forever.
func killWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
