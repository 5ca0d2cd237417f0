package main

// Each rival is measured in a process of its own, which the command starts and
// tells by its standard input how often to do the work: so its heap is its own,
// and what the processor does for it, garbage collection included, can be told.

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// A reading is what some repetitions of the work cost.
type reading struct {
	Wall   int64 `json:"wall"` // ns
	CPU    int64 `json:"cpu"`  // ns of all threads
	Allocs int64 `json:"allocs"`
	Bytes  int64 `json:"bytes"`
}

// serve does the work of a rival as often as each line of in says, and writes a
// reading for it.
func serve(part, name, rivalName string, in io.Reader, out io.Writer) error {
	r, err := find(part, name, rivalName)
	if err != nil {
		return err
	}
	discardLog()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	once := r.ready(ctx)
	answers := json.NewEncoder(out)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		times, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		read, err := measure(times, once)
		if err != nil {
			return err
		}
		if err := answers.Encode(read); err != nil {
			return err
		}
	}
	return nil
}

func measure(times int, once func() error) (reading, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, began := cpuTime(), time.Now()
	for range times {
		if err := once(); err != nil {
			return reading{}, err
		}
	}
	wall := time.Since(began)
	spent := cpuTime() - cpu
	runtime.ReadMemStats(&after)
	return reading{
		Wall:   int64(wall),
		CPU:    int64(spent),
		Allocs: int64(after.Mallocs - before.Mallocs),
		Bytes:  int64(after.TotalAlloc - before.TotalAlloc),
	}, nil
}

// cpuTime is what all threads of the process have used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A worker is the process of a rival, seen from the command.
type worker struct {
	name    string
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

func start(c contest, r rival, payload string) (*worker, error) {
	command, err := r.command(c, payload)
	if err != nil {
		return nil, err
	}
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &worker{r.name, command, in, json.NewDecoder(out)}, nil
}

func (r rival) command(c contest, payload string) (*exec.Cmd, error) {
	if r.node != nil {
		command := exec.Command("node", r.node(payload)...)
		command.Dir = powertoolsDir
		return command, nil
	}
	self, err := os.Executable()
	command := exec.Command(self, "serve", c.part, c.name, r.name)
	command.Env = append(os.Environ(), c.env...)
	return command, err
}

func (w *worker) run(times int) (r reading, err error) {
	if _, err = fmt.Fprintln(w.in, times); err == nil {
		err = w.out.Decode(&r)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", w.name, err)
	}
	return r, err
}

// close ends the process and returns when it has gone.
func (w *worker) close() error {
	w.in.Close()
	return w.command.Wait()
}
