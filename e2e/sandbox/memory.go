package sandbox

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// Memory returns the resident memory of a process in bytes. It reads /proc, so it works on
// Linux only.
func Memory(pid int) (int, error) {
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer status.Close()
	lines := bufio.NewScanner(status)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			var kb int
			if _, err := fmt.Sscanf(text, "%d kB", &kb); err != nil {
				return 0, err
			}
			return kb << 10, nil
		}
	}
	return 0, fmt.Errorf("process %d: no VmRSS line", pid)
}
