// Package ledger keeps the accounts of a batch: which parts each record has, which of them arrived at the collector
// and in which state, and what that makes of the record.
//
// A record begins as one part, number 0. A stage may split a part into several, which are assigned new numbers. The
// old number is then no longer expected. A source may be ranged over several times; each time is an iteration, in
// which all records begin again.
//
//   - [Numbers] assigns the numbers of one iteration while the pipeline runs.
//   - [Tally] ticks off the parts of one iteration that arrive at a collector.
//   - [Fold] turns the tallies of a batch into one [Verdict] per record, and applies the policy.
//   - [Stay] follows the parts of one record while they are inside a lane.
//
// A record is acknowledged only if every number assigned to it has arrived or was split, none arrived as a failure,
// and no Result of it is held on its way, for example in a chunk. A stage may copy a Result: so a number may have
// arrived while a copy is still held.
//
// These rules hold under concurrency:
//
//   - A split assigns its new numbers before the old one is no longer expected. So a record never looks complete in
//     between.
//   - A number that arrives again counts once.
//   - If a copy of a part is split again, the additional numbers must arrive, too.
//   - A verdict only gets worse. A failure of the record itself outweighs one that means it was not processed.
//
// The package has no notion of values, contexts or events, and starts no goroutine.
package ledger

// A State is the state of a part, or what became of a record.
type State uint8

const (
	Failed     State = iota // has its own error
	Ready                   // has a value for the next stage
	Done                    // acknowledged
	Blocked                 // this and the following are unprocessed: held back by another failure,
	NotStarted              // not started before its context ended,
	Unreached               // lost, or not finished when the response was due,
	Running                 // the same, because its function had not returned
)

// Unprocessed reports whether s means that the record was not tried or not finished.
func (s State) Unprocessed() bool { return s >= Blocked }

// Failure reports whether s is a failure of any kind.
func (s State) Failure() bool { return s == Failed || s.Unprocessed() }

// A Verdict is what became of a record. The zero Verdict is not valid: an acknowledged record is [Done].
type Verdict struct {
	State State
	Err   error // as it arrived; nil if the fold made the verdict
	By    int32 // if Blocked without Err: the record that holds this one back
}

// worsen keeps the first failure, except that Failed replaces an unprocessed state. It reports whether the verdict
// has changed.
func (v *Verdict) worsen(other Verdict) bool {
	if v.State == Done && other.State.Failure() || v.State.Unprocessed() && other.State == Failed {
		*v = other
		return true
	}
	return false
}

func acknowledged(n int) []Verdict {
	verdicts := make([]Verdict, n)
	for i := range verdicts {
		verdicts[i].State = Done
	}
	return verdicts
}
