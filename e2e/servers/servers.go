// Package servers runs Node programs: SQS, Kinesis and DynamoDB servers on free ports of
// 127.0.0.1, and a function made with Powertools for TypeScript.
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

// Servers are the running SQS, Kinesis and DynamoDB servers. They start without data.
type Servers struct {
	SQS      string // base URLs
	Kinesis  string
	DynamoDB string

	command *exec.Cmd
	stdin   io.Closer // the servers end when it is closed
}

// Start starts the servers. dir is the folder of servers.mjs. Their standard error goes
// to log.
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

// Close ends the servers and waits until they have exited.
func (s *Servers) Close() error {
	return errors.Join(s.stdin.Close(), s.command.Wait())
}

// Install runs npm ci in dir, the folder of servers.mjs, if node_modules is missing or
// older than the lock file. Call it once, before the first Start.
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
