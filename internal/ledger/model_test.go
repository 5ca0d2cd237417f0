package ledger_test

import (
	"errors"
	"slices"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/samber/lo"
)

// A model says what a Fold must say, in the plainest way: with sets of numbers, and loops over everything.
type model struct {
	records int
	passes  []*pass
}

// A pass is one iteration.
type pass struct {
	given    []set // per record, the assigned numbers
	split    []set
	arrived  []set
	valued   []set              // those that have arrived with a value
	failures [][]ledger.Verdict // per record, in the order in which they happened
	held     []int              // per record, how many Results are held
	any      bool               // something has arrived
	left     bool
	ended    bool
	begun    int // how many records the stage got
	acted    bool
	exited   bool // a goroutine ended
}

type set map[uint32]bool

func newPass(records int) *pass {
	p := &pass{failures: make([][]ledger.Verdict, records), held: make([]int, records)}
	for range records {
		p.given = append(p.given, set{0: true})
		p.split = append(p.split, set{})
		p.arrived = append(p.arrived, set{})
		p.valued = append(p.valued, set{})
	}
	return p
}

// splits replaces one number by n numbers from first on.
func (p *pass) splits(record int, number, first uint32, n int) {
	for i := range n {
		p.given[record][first+uint32(i)] = true
	}
	p.split[record][number] = true
}

func (p *pass) arrives(record int, number uint32, v ledger.Verdict) {
	p.any = true
	p.arrived[record][number] = true
	if v.State.Failure() {
		p.fails(record, v)
	}
}

func (p *pass) fails(record int, v ledger.Verdict) {
	p.failures[record] = append(p.failures[record], v)
}

// of returns what became of a record in this pass.
func (p *pass) of(record int) ledger.Verdict {
	if v := worst(p.failures[record]); v.State != ledger.Done {
		return v
	}
	for number := range p.given[record] {
		if !p.arrived[record][number] && !p.split[record][number] || p.held[record] > 0 {
			return ledger.Verdict{State: ledger.Unreached}
		}
	}
	return ledger.Verdict{State: ledger.Done}
}

// worst returns the first Failed verdict, or the first failure if there is none.
func worst(all []ledger.Verdict) ledger.Verdict {
	if v, ok := lo.Find(all, func(v ledger.Verdict) bool { return v.State == ledger.Failed }); ok {
		return v
	}
	return lo.FindOrElse(all, done, func(v ledger.Verdict) bool { return v.State != ledger.Done })
}

// counts reports whether records must be acknowledged in a pass.
func (p *model) counts(at int, cut bool) bool {
	pass := p.passes[at]
	switch {
	case pass.any, pass.exited:
		return true
	case pass.left:
		return false
	case cut && at == len(p.passes)-1:
		return true
	default:
		return cut && !pass.ended
	}
}

// fold returns the verdict on every record.
func (p *model) fold(cut bool) []ledger.Verdict {
	var fold []ledger.Verdict
	for record := range p.records {
		var all []ledger.Verdict
		reached := false
		for i, pass := range p.passes {
			if p.counts(i, cut) {
				reached = true
				all = append(all, pass.of(record))
			}
		}
		for _, pass := range p.passes {
			for _, v := range pass.failures[record] {
				if v.State == ledger.Failed || !reached {
					all = append(all, v)
				}
			}
		}
		for i, pass := range p.passes {
			worksOn := pass.acted || lo.SomeBy(pass.held, func(n int) bool { return n > 0 })
			if cut && !p.counts(i, cut) && worksOn && record < pass.begun {
				all = append(all, pass.of(record))
			}
		}
		if !reached {
			all = append(all, ledger.Verdict{State: ledger.Unreached})
		}
		fold = append(fold, worst(all))
	}
	return fold
}

// held returns a fold after records were held back in their lines.
func held(fold []ledger.Verdict, line []int32, blocks []bool) []ledger.Verdict {
	fold = slices.Clone(fold)
	for record := range fold {
		for by := range record {
			if fold[record].State == ledger.Done && fold[by].State != ledger.Done && blocks[by] && sameLine(line[by], line[record]) {
				fold[record] = ledger.Verdict{State: ledger.Blocked, By: int32(by)}
			}
		}
	}
	return fold
}

func sameLine(before, after int32) bool {
	switch {
	case before == ledger.Any:
		return true // it may have been in that line
	case after == ledger.Any:
		return before > 0
	}
	return before > 0 && before == after
}

// shared returns a fold after each reported identifier was reported for all its records.
func shared(fold []ledger.Verdict, ids []string) []ledger.Verdict {
	after := slices.Clone(fold)
	for record := range fold {
		for by := range fold {
			if after[record].State == ledger.Done && fold[by].State != ledger.Done && ids[by] == ids[record] && ids[by] != "" {
				after[record] = ledger.Verdict{State: ledger.Blocked, By: int32(by)}
			}
		}
	}
	return after
}

// verdicts returns what a Fold says of every record.
func verdicts(f *ledger.Fold, records int) []ledger.Verdict {
	return lo.Times(records, f.Of)
}

// folded returns a Fold with these verdicts.
func folded(all ...ledger.Verdict) *ledger.Fold {
	n := new(ledger.Numbers)
	n.Init(len(all))
	t := new(ledger.Tally)
	t.Init(n)
	for record, v := range all {
		t.Arrive(record, 0, v)
	}
	f := ledger.NewFold(len(all), []*ledger.Tally{t}, false)
	return &f
}

var (
	errFirst  = errors.New("first")
	errSecond = errors.New("second")

	done       = ledger.Verdict{State: ledger.Done}
	ready      = ledger.Verdict{State: ledger.Ready}
	failed     = ledger.Verdict{State: ledger.Failed, Err: errFirst}
	blocked    = ledger.Verdict{State: ledger.Blocked, Err: errSecond}
	notStarted = ledger.Verdict{State: ledger.NotStarted, Err: errSecond}
	unreached  = ledger.Verdict{State: ledger.Unreached}
)

func blockedBy(record int32) ledger.Verdict {
	return ledger.Verdict{State: ledger.Blocked, By: record}
}
