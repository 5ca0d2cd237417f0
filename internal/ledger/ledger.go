// Package ledger keeps the accounts of a batch: which parts of each record there are, which of them arrived at the
// end and how, and what that makes of the batch under a policy.
//
// A record begins as one part, number 0. A part may be split into others, which get numbers of their own; it is not
// expected any more then. [Numbers] gives them out while the pipeline runs. [Tally] ticks what arrives at one
// collector. [Fold] turns tallies into a verdict for each record. [Stay] follows the parts of one record for as long
// as they are inside a lane.
//
// These hold, whatever happens at once:
//
//   - A record is acknowledged only if every number that was given out for it has arrived, or was split, and none of
//     them arrived as a failure.
//   - A split gives out its new numbers before it stops expecting the old one, so a record never looks complete in
//     between.
//   - A record is not acknowledged while a Result of it is held on its way, though its number may have arrived.
//   - A number that arrives again counts once. A part that is split again, since a stage has copied it, adds numbers
//     that must arrive, too.
//   - A verdict only gets worse, and a failure of the record's own outweighs one that came from not being processed.
//
// The package knows neither values nor contexts nor events, and starts no goroutine.
package ledger

// A State is what a part of a record is, or what became of the record.
type State uint8

const (
	Failed     State = iota // carries an error of its own
	Ready                   // has a value for the next stage
	Done                    // acknowledged
	Blocked                 // this and the following are unprocessed: held back by another failure,
	NotStarted              // not started before its time was over,
	Unreached               // lost, or not finished when the answer was due,
	Running                 // the same, and it is known that its function had not returned
)

// Unprocessed reports whether s is a failure that came from not being processed.
func (s State) Unprocessed() bool { return s >= Blocked }

// Failure reports whether s is a failure of any kind.
func (s State) Failure() bool { return s == Failed || s.Unprocessed() }

// A Verdict is what became of a record. The zero Verdict is not valid: an acknowledged record is [Done].
type Verdict struct {
	State State
	Err   error // as it arrived; nil for what only the fold knows
	By    int32 // under Blocked without Err: the record that holds this one back
}

// worsen keeps the first failure, but prefers one of the record's own to one that came from not being processed. It
// reports whether the verdict has changed.
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
