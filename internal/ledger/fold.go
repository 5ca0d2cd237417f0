package ledger

import "slices"

// Any is the line of a record that may belong to any line.
const Any = -1

// A Fold is what became of the records of a batch.
type Fold struct {
	records  int
	verdicts []Verdict // nil: all records are acknowledged
}

// NewFold folds the tallies of a batch. A record is acknowledged if it is acknowledged in every iteration that
// counts.
//
// An iteration counts if anything of it arrived, or if a goroutine ended in it. One of which nothing arrived
// otherwise only looked ahead, and counts for nothing but the records that are Failed in it. If the pipeline was cut,
// however, such an iteration may have been under way. Then it counts unless the stage broke out of it, or it had
// ended and was not the last one. Even then the stage may have kept Results, to work on them now. So if functions that
// may have effects were called in it, or a Result of it is held, then the records that the stage got from it are not
// acknowledged. If no iteration counts, nothing was reached.
func NewFold(records int, tallies []*Tally, cut bool) Fold {
	f := Fold{records: records}
	reached := false
	for i, t := range tallies {
		if !t.Counts(cut, i == len(tallies)-1) {
			continue
		}
		reached = true
		if !t.clean() {
			f.worsenBy(t, records)
		}
	}
	for _, t := range tallies {
		for record, v := range t.verdicts {
			if v.State == Failed || !reached { // what a look ahead only interrupted was processed in a later iteration
				f.Worsen(record, v)
			}
		}
	}
	for _, t := range tallies {
		if cut && t.mayGoOn() {
			f.worsenBy(t, t.Begun)
		}
	}
	if !reached {
		f.Unreach()
	}
	return f
}

// Counts reports whether records must be acknowledged in this iteration, as [NewFold] defines it.
func (t *Tally) Counts(cut, last bool) bool {
	lookedAhead := t.Left || !cut || t.Ended && !last
	return !t.empty() || t.Interrupted || !lookedAhead
}

// mayGoOn reports whether the stage may still work on Results that it has kept from the iteration.
func (t *Tally) mayGoOn() bool { return t.Acted || t.numbers.holdsAny() }

// worsenBy changes the verdicts on the first records to those of an iteration that are worse.
func (f *Fold) worsenBy(t *Tally, records int) {
	for record := range records {
		f.Worsen(record, t.verdict(record))
	}
}

// Unreach makes every record that would be acknowledged Unreached.
func (f *Fold) Unreach() {
	for record := range f.records {
		f.Worsen(record, Verdict{State: Unreached})
	}
}

// Worsen changes the verdict on a record if v is worse, and reports whether it did.
func (f *Fold) Worsen(record int, v Verdict) (worse bool) {
	if v.State == Done {
		return false
	}
	if f.verdicts == nil {
		f.verdicts = acknowledged(f.records)
	}
	return f.verdicts[record].worsen(v)
}

// MarkRunning makes a record Running if it is Unreached, or if it would be acknowledged because of a copy.
func (f *Fold) MarkRunning(record int) {
	f.Worsen(record, Verdict{State: Running})
	if f.verdicts[record].State == Unreached {
		f.verdicts[record].State = Running
	}
}

// HoldBack makes the records after a failure in their line Blocked. line returns 0 for a record that is in no line,
// and [Any] for one that may be in any line. blocks reports whether a failed record holds others back.
func (f *Fold) HoldBack(line func(record int) int32, blocks func(record int) bool) {
	first := make(map[int32]int) // the first failure of each line
	earliest := -1               // the first failure in any line
	whole := -1                  // the first failure that may be in any line
	for record := range f.verdicts {
		at := line(record)
		by, held := first[at]
		if at == Any && earliest >= 0 {
			by, held = earliest, true
		}
		if whole >= 0 && !held {
			by, held = whole, true
		}
		if held {
			f.verdicts[record].worsen(Verdict{State: Blocked, By: int32(by)})
		}
		switch {
		case f.verdicts[record].State == Done || !blocks(record):
		case at == Any && whole < 0:
			whole = record
		case at > 0 && !held:
			first[at] = record
			if earliest < 0 {
				earliest = record
			}
		}
	}
}

// ReportShared makes a record Blocked if its identifier is reported for another record, since the service redelivers
// both. It reports whether it has made one so.
func (f *Fold) ReportShared(id func(record int) string) (more bool) {
	reported := make(map[string]int) // the first record of each identifier
	for record, v := range f.verdicts {
		if v.State == Done {
			continue
		}
		if name := id(record); name != "" {
			if _, ok := reported[name]; !ok {
				reported[name] = record
			}
		}
	}
	for record := range f.verdicts {
		if by, ok := reported[id(record)]; ok && f.verdicts[record].worsen(Verdict{State: Blocked, By: int32(by)}) {
			more = true
		}
	}
	return more
}

// BlockRest makes every record Blocked that would be acknowledged.
func (f *Fold) BlockRest() {
	first := slices.IndexFunc(f.verdicts, func(v Verdict) bool { return v.State != Done })
	for record := range f.verdicts {
		f.verdicts[record].worsen(Verdict{State: Blocked, By: int32(first)})
	}
}

// Reported returns how many records are not acknowledged.
func (f *Fold) Reported() int {
	n := 0
	for _, v := range f.verdicts {
		if v.State != Done {
			n++
		}
	}
	return n
}

// Clean reports whether every record is acknowledged.
func (f *Fold) Clean() bool { return f.verdicts == nil }

// Of returns what became of a record.
func (f *Fold) Of(record int) Verdict {
	if f.verdicts == nil {
		return Verdict{State: Done}
	}
	return f.verdicts[record]
}
