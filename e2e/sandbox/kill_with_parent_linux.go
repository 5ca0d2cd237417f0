package sandbox

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel kill the process when the test ends without
// cleaning up: a frozen process would otherwise stay for good.
func endWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
