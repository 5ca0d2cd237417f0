package main

// Each rival runs in its own process. The command starts the process and writes to its
// standard input how often to do the work. So rivals do not share a heap, and the CPU
// time of each is known, garbage collection included.

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

// A measurement is the cost of some repetitions of the work.
type measurement struct {
	Wall   int64 `json:"wall"` // ns
	CPU    int64 `json:"cpu"`  // ns of all threads
	Allocs int64 `json:"allocs"`
	Bytes  int64 `json:"bytes"`
}

// serve reads a number from each line of in, does the rival's work that often, and
// writes the measurement to out.
func serve(part, name, rivalName string, in io.Reader, out io.Writer) error {
	r, err := find(part, name, rivalName)
	if err != nil {
		return err
	}
	discardLog()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	work := r.prepare(ctx)
	measurements := json.NewEncoder(out)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		times, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		m, err := measure(times, work)
		if err != nil {
			return err
		}
		if err := measurements.Encode(m); err != nil {
			return err
		}
	}
	return nil
}

func measure(times int, work func() error) (measurement, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, began := cpuTime(), time.Now()
	for range times {
		if err := work(); err != nil {
			return measurement{}, err
		}
	}
	wall := time.Since(began)
	spent := cpuTime() - cpu
	runtime.ReadMemStats(&after)
	return measurement{
		Wall:   int64(wall),
		CPU:    int64(spent),
		Allocs: int64(after.Mallocs - before.Mallocs),
		Bytes:  int64(after.TotalAlloc - before.TotalAlloc),
	}, nil
}

// cpuTime returns the CPU time that all threads of the process have used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A worker is a rival's process, as the command sees it.
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

func (w *worker) run(times int) (r measurement, err error) {
	if _, err = fmt.Fprintln(w.in, times); err == nil {
		err = w.out.Decode(&r)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", w.name, err)
	}
	return r, err
}

// close ends the process and waits until it has exited.
func (w *worker) close() error {
	w.in.Close()
	return w.command.Wait()
}
