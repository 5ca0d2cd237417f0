package ledger

// A Tally ticks off the parts of one iteration that arrive at a collector. It is not safe for concurrent use, but its
// Numbers may change concurrently.
type Tally struct {
	Left        bool // the stage broke out of the iteration
	Ended       bool // the iteration came to its end
	Begun       int  // how many records the stage got
	Acted       bool // functions that may have effects were called in the iteration
	Interrupted bool // the goroutine of the stage, or of a function, ended in the iteration; then Ended means nothing

	numbers  *Numbers
	arrived  partSet
	valued   partSet   // those that have arrived with a value
	verdicts []Verdict // nil: nothing has failed
}

// partSet is a set of parts.
type partSet struct {
	low  []uint64           // by record, the numbers below 64; nil: none of any record
	high map[int]*numberSet // by record, the other numbers
}

// add reports whether the part is new.
func (s *partSet) add(records, record int, number uint32) (fresh bool) {
	if s.low == nil {
		s.low = make([]uint64, records)
	}
	if number < 64 {
		fresh = s.low[record]&(1<<number) == 0
		s.low[record] |= 1 << number
		return fresh
	}
	return s.highOf(record).add(number)
}

func (s *partSet) highOf(record int) *numberSet {
	if s.high == nil {
		s.high = make(map[int]*numberSet)
	}
	if s.high[record] == nil {
		s.high[record] = new(numberSet)
	}
	return s.high[record]
}

func (s *partSet) has(record int, number uint32) bool {
	switch {
	case s.low == nil:
		return false
	case number < 64:
		return s.low[record]&(1<<number) != 0
	}
	high := s.high[record]
	return high != nil && high.has(number)
}

// Init prepares a Tally of an iteration.
func (t *Tally) Init(numbers *Numbers) { t.numbers = numbers }

// Arrive ticks off a part. It reports whether its failure has changed the verdict on the record.
func (t *Tally) Arrive(record int, number uint32, v Verdict) (worse bool) {
	t.arrived.add(t.numbers.records, record, number)
	return v.State.Failure() && t.Fail(record, v)
}

// Value reports whether a part has its first value. A copy without one may have arrived before.
func (t *Tally) Value(record int, number uint32) (first bool) {
	return t.valued.add(t.numbers.records, record, number)
}

// Fail notes a failure, whether its part arrives or not. It reports whether the verdict on the record has changed.
func (t *Tally) Fail(record int, v Verdict) bool {
	if t.verdicts == nil {
		t.verdicts = acknowledged(t.numbers.records)
	}
	return t.verdicts[record].worsen(v)
}

// empty reports whether nothing has arrived.
func (t *Tally) empty() bool { return t.arrived.low == nil }

// clean reports whether every record has arrived whole and nothing has failed.
func (t *Tally) clean() bool {
	return t.verdicts == nil && t.Complete()
}

// Complete reports whether every record has arrived whole and none was split. It is a quick check of all records.
func (t *Tally) Complete() bool {
	if t.empty() || t.numbers.given.Load() != nil {
		return false
	}
	for record, seen := range t.arrived.low {
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
	return !t.numbers.missing(record, func(number uint32) bool { return t.arrived.has(record, number) })
}
