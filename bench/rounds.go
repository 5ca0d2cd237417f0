package main

// Rivals take turns in short rounds, and the median of the rounds counts. So other load on
// the machine affects all of them alike.

import (
	"errors"
	"slices"
	"time"

	"github.com/samber/lo"
)

// A pace is how long to measure.
type pace struct {
	warmUp time.Duration // before the first round, for compilers and caches
	round  time.Duration
	rounds int
}

var (
	full  = pace{warmUp: 1500 * time.Millisecond, round: 120 * time.Millisecond, rounds: 25}
	quick = pace{rounds: 1}
)

// A cost is the cost of one record.
type cost struct {
	CPU, Wall float64 // ns
	Allocs    float64
	Bytes     float64
}

func (r measurement) perRecord(records int) cost {
	n := float64(records)
	return cost{CPU: float64(r.CPU) / n, Wall: float64(r.Wall) / n, Allocs: float64(r.Allocs) / n, Bytes: float64(r.Bytes) / n}
}

// medians takes the median of each figure on its own, so the CPU time may come from another
// round than the elapsed time.
func medians(rounds []cost) cost {
	of := func(figure func(cost) float64) float64 {
		all := lo.Map(rounds, func(c cost, _ int) float64 { return figure(c) })
		slices.Sort(all)
		return all[len(all)/2]
	}
	return cost{
		CPU:    of(func(c cost) float64 { return c.CPU }),
		Wall:   of(func(c cost) float64 { return c.Wall }),
		Allocs: of(func(c cost) float64 { return c.Allocs }),
		Bytes:  of(func(c cost) float64 { return c.Bytes }),
	}
}

// run measures the rivals of a contest. Payloads for Node are written to dir.
func (c contest) run(p pace, dir string) (costs map[string]cost, err error) {
	payload, err := c.writePayload(dir)
	if err != nil {
		return nil, err
	}
	var runners []*runner
	defer func() {
		for _, w := range runners {
			err = errors.Join(err, w.close())
		}
	}()
	for _, r := range c.rivals {
		w, err := start(c, r, payload)
		if err != nil {
			return nil, err
		}
		runners = append(runners, &runner{worker: w})
	}
	for _, w := range runners {
		if err := w.warmUp(p); err != nil {
			return nil, err
		}
	}
	for range p.rounds {
		for _, w := range runners {
			r, err := w.run(w.times)
			if err != nil {
				return nil, err
			}
			w.rounds = append(w.rounds, r.perRecord(w.times*c.records))
		}
	}
	costs = make(map[string]cost)
	for _, w := range runners {
		costs[w.name] = medians(w.rounds)
	}
	return costs, nil
}

// A runner is a worker, the work that it does per round, and the cost in each round so far.
type runner struct {
	*worker
	times  int
	rounds []cost
}

// warmUp runs the worker for a while and finds out how often the work fits into a round.
// Long work is done at least three times per round, so that a round also collects the
// garbage it makes.
func (w *runner) warmUp(p pace) error {
	w.times = 1
	for spent := time.Duration(0); ; {
		r, err := w.run(w.times)
		if err != nil {
			return err
		}
		wall := time.Duration(max(r.Wall, 1))
		spent += wall
		if p.round == 0 {
			return nil
		}
		w.times = max(3, min(10*w.times, int(int64(w.times)*int64(p.round)/int64(wall))))
		if spent >= p.warmUp {
			return nil
		}
	}
}
