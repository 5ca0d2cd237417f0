package ledger

// A Tally ticks off the parts of one iteration that arrive at a collector. It is not safe for concurrent use, but its
// Numbers may change concurrently.
type Tally struct {
	Left  bool // the stage broke out of the iteration
	Ended bool // the iteration came to its end

	numbers  *Numbers
	seen     []uint64           // by record, the numbers below 64; nil: nothing has arrived
	high     map[int]*numberSet // by record, the other numbers
	verdicts []Verdict          // nil: nothing has failed
}

// Init prepares a Tally of an iteration.
func (t *Tally) Init(numbers *Numbers) { t.numbers = numbers }

// Arrive ticks off a part. It reports whether its number is new, and whether its failure has changed the verdict on
// the record.
func (t *Tally) Arrive(record int, number uint32, v Verdict) (fresh, worse bool) {
	if t.seen == nil {
		t.seen = make([]uint64, t.numbers.records)
	}
	if number < 64 {
		fresh = t.seen[record]&(1<<number) == 0
		t.seen[record] |= 1 << number
	} else {
		fresh = t.highOf(record).add(number)
	}
	if v.State.Failure() {
		worse = t.Fail(record, v)
	}
	return fresh, worse
}

func (t *Tally) highOf(record int) *numberSet {
	if t.high == nil {
		t.high = make(map[int]*numberSet)
	}
	if t.high[record] == nil {
		t.high[record] = new(numberSet)
	}
	return t.high[record]
}

// Fail notes a failure, whether its part arrives or not. It reports whether the verdict on the record has changed.
func (t *Tally) Fail(record int, v Verdict) bool {
	if t.verdicts == nil {
		t.verdicts = acknowledged(t.numbers.records)
	}
	return t.verdicts[record].worsen(v)
}

// empty reports whether nothing has arrived.
func (t *Tally) empty() bool { return t.seen == nil }

// clean reports whether every record has arrived whole and nothing has failed.
func (t *Tally) clean() bool {
	return t.verdicts == nil && t.Complete()
}

// Complete reports whether every record has arrived whole and none was split. It is a quick check of all records.
func (t *Tally) Complete() bool {
	if t.seen == nil || t.numbers.given.Load() != nil {
		return false
	}
	for record, seen := range t.seen {
		if seen&1 == 0 || t.numbers.holds(record) {
			return false
		}
	}
	return true
}

// verdict returns what became of a record in this iteration.
func (t *Tally) verdict(record int) Verdict {
	if t.verdicts != nil && t.verdicts[record].State != Done {
		return t.verdicts[record]
	}
	if !t.Whole(record) {
		return Verdict{State: Unreached}
	}
	return Verdict{State: Done}
}

// Whole reports whether every part of the record has arrived and no Result of it is held.
func (t *Tally) Whole(record int) bool {
	return !t.numbers.missing(record, func(number uint32) bool {
		switch {
		case t.seen == nil:
			return false
		case number < 64:
			return t.seen[record]&(1<<number) != 0
		}
		high := t.high[record]
		return high != nil && high.has(number)
	})
}
