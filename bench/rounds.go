package main

// Rivals take turns in short rounds, and the best round of each counts: others who
// use the machine make a round slower, never faster.

import (
	"errors"
	"math"
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

// A cost is that of one record, in the best of the rounds.
type cost struct {
	CPU, Wall float64 // ns
	Allocs    float64
	Bytes     float64
}

func (r reading) perRecord(records int) cost {
	n := float64(records)
	return cost{CPU: float64(r.CPU) / n, Wall: float64(r.Wall) / n, Allocs: float64(r.Allocs) / n, Bytes: float64(r.Bytes) / n}
}

func (c cost) atBest(other cost) cost {
	return cost{min(c.CPU, other.CPU), min(c.Wall, other.Wall), min(c.Allocs, other.Allocs), min(c.Bytes, other.Bytes)}
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
		turns = append(turns, &turn{worker: w, best: cost{math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)}})
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
			t.best = t.best.atBest(r.perRecord(t.times * c.records))
		}
	}
	costs = make(map[string]cost)
	for _, t := range turns {
		costs[t.name] = t.best
	}
	return costs, nil
}

// A turn is what a worker does in each round.
type turn struct {
	*worker
	times int
	best  cost
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
