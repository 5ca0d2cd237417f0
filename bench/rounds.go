package main

// Rivals take turns in short rounds, and the median of the rounds of each counts: what else
// the machine does meets all of them.

import (
	"errors"
	"slices"
	"time"
)

// A pace says how long to measure.
type pace struct {
	warm   time.Duration // before the first round, for compilers and caches
	round  time.Duration
	rounds int
}

var (
	full  = pace{warm: 1500 * time.Millisecond, round: 120 * time.Millisecond, rounds: 25}
	quick = pace{rounds: 1}
)

// A cost is that of one record.
type cost struct {
	CPU, Wall float64 // ns
	Allocs    float64
	Bytes     float64
}

func (r reading) perRecord(records int) cost {
	n := float64(records)
	return cost{CPU: float64(r.CPU) / n, Wall: float64(r.Wall) / n, Allocs: float64(r.Allocs) / n, Bytes: float64(r.Bytes) / n}
}

// median is each figure's own: that of the CPU may come from another round than that of the
// clock.
func median(rounds []cost) cost {
	of := func(figure func(cost) float64) float64 {
		all := make([]float64, len(rounds))
		for i, round := range rounds {
			all[i] = figure(round)
		}
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

// run measures the rivals of a contest. Payloads for Node are put into dir.
func (c contest) run(p pace, dir string) (costs map[string]cost, err error) {
	payload, err := c.writePayload(dir)
	if err != nil {
		return nil, err
	}
	var turns []*turn
	defer func() {
		for _, t := range turns {
			err = errors.Join(err, t.close())
		}
	}()
	for _, r := range c.rivals {
		w, err := start(c, r, payload)
		if err != nil {
			return nil, err
		}
		turns = append(turns, &turn{worker: w})
	}
	for _, t := range turns {
		if err := t.warmUp(p); err != nil {
			return nil, err
		}
	}
	for range p.rounds {
		for _, t := range turns {
			r, err := t.run(t.times)
			if err != nil {
				return nil, err
			}
			t.rounds = append(t.rounds, r.perRecord(t.times*c.records))
		}
	}
	costs = make(map[string]cost)
	for _, t := range turns {
		costs[t.name] = median(t.rounds)
	}
	return costs, nil
}

// A turn is what a worker does in each round.
type turn struct {
	*worker
	times  int
	rounds []cost
}

// warmUp lets the worker run for a while and finds out how often the work fits
// into a round. In a long one it fits at least three times, so that the garbage
// of one is collected in another.
func (t *turn) warmUp(p pace) error {
	t.times = 1
	for spent := time.Duration(0); ; {
		r, err := t.run(t.times)
		if err != nil {
			return err
		}
		wall := time.Duration(max(r.Wall, 1))
		spent += wall
		if p.round == 0 {
			return nil
		}
		t.times = max(3, min(10*t.times, int(int64(t.times)*int64(p.round)/int64(wall))))
		if spent >= p.warm {
			return nil
		}
	}
}
