package diagnosis

// A verdict is what a check says. The zero verdict means that the rule does not apply.
type verdict struct {
	passed  bool
	finding *Finding
	unread  []unread // the settings that the check depends on
}

func pass() verdict { return verdict{passed: true} }

func fail(f Finding) verdict { return verdict{finding: &f} }

// An unread setting has a value that the reader does not know.
type unread struct {
	resource Resource
	name     string // begins a sentence: "The function's Timeout"
	reason   string
}

// undecided is the verdict of a check that depends on these settings.
func undecided(settings ...[]unread) verdict {
	var v verdict
	for _, s := range settings {
		v.unread = append(v.unread, s...)
	}
	return v
}

// question returns the setting if its value is unknown.
func question[T any](resource Resource, name string, s Setting[T]) []unread {
	if reason, ok := s.Unread(); ok {
		return []unread{{resource, name, reason}}
	}
	return nil
}

func (m Mapping) asks(name string, s Setting[int]) []unread {
	return question(m.Resource, "The mapping's "+name, s)
}

func (f Function) asksTimeout() []unread {
	return question(f.Resource, "The function's Timeout", f.Timeout)
}

func (s Source) asksFIFO() []unread {
	return question(s.Resource, "The queue's FifoQueue", s.Queue.FIFO)
}

func (s Source) asksMaxReceiveCount() []unread {
	return question(s.Resource, "The queue's maxReceiveCount", s.Queue.MaxReceiveCount)
}
