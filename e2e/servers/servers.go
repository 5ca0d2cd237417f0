// Package servers runs the SQS, Kinesis and DynamoDB servers, which are Node programs, on
// free ports of 127.0.0.1, and a function made with Powertools for TypeScript.
package servers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Servers are running, and empty when started.
type Servers struct {
	SQS      string // base URLs
	Kinesis  string
	DynamoDB string

	command *exec.Cmd
	stdin   io.Closer // the servers end with it
}

// Start starts the servers from the folder of servers.mjs. What they complain of
// goes to log.
func Start(dir string, log io.Writer) (*Servers, error) {
	command := exec.Command("node", "servers.mjs")
	command.Dir, command.Stderr = dir, log
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &Servers{command: command, stdin: stdin}
	if err := json.NewDecoder(stdout).Decode(s); err != nil {
		return nil, errors.Join(fmt.Errorf("servers did not start: %w", err), s.Close())
	}
	return s, nil
}

// Close ends the servers and returns when they have gone.
func (s *Servers) Close() error {
	return errors.Join(s.stdin.Close(), s.command.Wait())
}

// Install fetches the packages of the servers into the folder of servers.mjs, if
// they are not there as the lock file has them. It is called once, before the
// first Start.
func Install(dir string) error {
	locked, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	installed, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(locked.ModTime()) {
		return nil
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", dir, err, out)
	}
	return nil
}
