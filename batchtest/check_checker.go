package batchtest

import (
	"fmt"
	"slices"
	"testing/synctest"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// A checker tries a stage under different conditions.
type checker[A, B any] struct {
	stage batch.Stage[A, B]
	checkSettings
	census
	foundBy      int // the number of the search that has found a breach; 0: none has
	foundInLanes bool
	foundLate    bool   // that a goroutine was left behind, but not in the first range
	unconfirmed  string // a breach that was found in lanes, but not each time
}

// A search tries a scene under some conditions, and returns a breach and the conditions under which it was found.
type search func() (*breach, conditions)

// check returns a sentence about the first law that the stage breaks in a scene, "" if it breaks none.
//
// Once a breach has been found, check only looks for it where it was. Rapid then tries hundreds of smaller scenes, and most
// of them break no law.
func (c *checker[A, B]) check(s scene[A]) string {
	searches := c.searches(s)
	short := len(searches)
	if s.times > 1 {
		searches = append(searches, c.longSearches(s.whole())...)
	}
	for i, search := range searches {
		number := i + 1
		if c.foundBy > 0 && number > 1 && number != c.foundBy {
			continue // the first is always needed
		}
		if b, under := search(); b != nil {
			c.foundBy, c.foundInLanes = number, under.lanes > 0
			c.foundLate = b.law == lawGoroutines && number > 1
			s.conditions = under
			if number <= short {
				s.times = 1
			}
			return b.in(s)
		}
	}
	synctest.Wait()
	if b := c.leftBehind(" in one of several ranges"); b != nil {
		c.foundLate = true
		return b.in(s)
	}
	return ""
}

func (c *checker[A, B]) searches(s scene[A]) []search {
	var r *rig[A, B]
	var plain *trial
	return []search{
		func() (b *breach, under conditions) { r, plain, b = c.try(s, under); return b, under },
		func() (b *breach, under conditions) { return c.again(r, plain), under },
		func() (*breach, conditions) { return c.alone(s, plain) },
		func() (*breach, conditions) { return c.inLanes(s, plain) },
		func() (*breach, conditions) { return c.hindered(s, plain) },
	}
}

// longSearches are for a batch that may be longer than what a stage collects before it goes on, such as a
// chunk.
func (c *checker[A, B]) longSearches(s scene[A]) []search {
	try := func(under conditions) search {
		return func() (*breach, conditions) { _, _, b := c.try(s, under); return b, under }
	}
	return []search{try(conditions{}), try(conditions{stop: s.stop})}
}

// try builds the stage and ranges over its output once, under the conditions.
func (c *checker[A, B]) try(s scene[A], under conditions) (*rig[A, B], *trial, *breach) {
	r, building := c.build(s, under)
	if b := building.badEnding(); b != nil {
		return r, building, b
	}
	if building.ranges > 0 {
		return r, building, &breach{lawLazy, "ranges over its input while it is built"}
	}
	if building.breach != nil {
		return r, building, building.breach
	}
	if r.output == nil {
		return r, building, &breach{lawReturns, "returns a nil Stream"}
	}
	t := r.try()
	return r, t, c.broken(t)
}

// again ranges over the output a second time, and twice at once.
func (c *checker[A, B]) again(r *rig[A, B], first *trial) *breach {
	second := r.try()
	if b := c.broken(second); b != nil {
		return &breach{b.law, b.deed + " in a second range"}
	}
	if deed := difference(first, second); deed != "" {
		return &breach{lawRanges, deed + " in a second range"}
	}
	for _, t := range r.tryTwiceAtOnce() {
		if b := t.badEnding(); b != nil {
			return &breach{b.law, b.deed + " in two ranges at once"}
		}
		if deed := difference(first, t); deed != "" {
			return &breach{lawAtOnce, deed + " in two ranges at once"}
		}
	}
	return nil
}

// alone tries each record without the others, and the batch without its first record that is Ready. The latter
// also finds a stage that looks at records together if those that it happened to see together are alike. In
// lanes it would be found only sometimes.
func (c *checker[A, B]) alone(s scene[A], plain *trial) (*breach, conditions) {
	if c.wholeBatch {
		return nil, conditions{}
	}
	all := make([]conditions, len(s.records), len(s.records)+1)
	for i := range all {
		all[i].only = i + 1
	}
	if first := slices.IndexFunc(s.records, drawnRecord[A].ready); first >= 0 && len(s.records) > 2 {
		all = append(all, conditions{absent: first + 1})
	}
	for _, under := range all {
		_, t, b := c.try(s, under)
		if b != nil {
			return b, under
		}
		with := lo.Filter(plain.sent, func(s snapshot, _ int) bool { return under.arrives(s.index) })
		if deed := difference(t, &trial{sent: with}); deed != "" {
			return &breach{lawAlone, deed + " because of its neighbours"}, conditions{}
		}
	}
	return nil, conditions{}
}

// inLanes tries the stage in lanes, without other hindrances.
func (c *checker[A, B]) inLanes(s scene[A], plain *trial) (*breach, conditions) {
	under := conditions{lanes: s.lanes}
	if c.wholeBatch {
		return nil, under
	}
	_, t, b := c.try(s, under)
	if b != nil {
		return b, under
	}
	if deed := difference(plain, t); deed != "" {
		return &breach{lawLanes, deed}, under
	}
	return nil, under
}

// hindered tries the drawn policy: alone, with a context that ends, and with a consumer that stops,
// each without lanes and in lanes. It tries the latter two without a policy, too: then no failure
// holds back the record that would show the breach.
func (c *checker[A, B]) hindered(s scene[A], plain *trial) (*breach, conditions) {
	all := []conditions{{end: s.end}, {stop: s.stop}}
	if s.policy != batch.Continue {
		all = append(all, conditions{policy: s.policy}, conditions{policy: s.policy, end: s.end}, conditions{policy: s.policy, stop: s.stop})
	}
	for _, under := range all {
		r, _, b := c.try(s, under)
		if b == nil && under.stop > 0 {
			b = c.afterStop(r, plain)
		}
		if b != nil {
			return b, under
		}
		if c.wholeBatch || under.policy != s.policy {
			continue
		}
		under.lanes = s.lanes
		if _, _, b := c.try(s, under); b != nil {
			return b, under
		}
	}
	return nil, conditions{}
}

// afterStop ranges once more after a range whose consumer has stopped. Without a policy, the range
// must send what the plain one has sent. With one, the stage may have lanes, in which it depends on
// the moment whom a failure holds back.
func (c *checker[A, B]) afterStop(r *rig[A, B], plain *trial) *breach {
	stop := r.stop
	r.stop = 0
	next := r.try()
	r.stop = stop
	if b := c.broken(next); b != nil {
		return &breach{b.law, b.deed + " in the next range"}
	}
	if r.policy == batch.Continue {
		if deed := difference(plain, next); deed != "" {
			return &breach{lawRanges, deed + " in the next range"}
		}
	}
	return nil
}

// difference names a record for which the second trial sent something else, "" if there is none. The
// order of the parts of a record does not matter.
func difference(first, second *trial) string {
	for _, i := range indexes(slices.Concat(first.sent, second.sent)) {
		was, is := ofRecord(i, first.sent), ofRecord(i, second.sent)
		added := is
		var missing []snapshot
		for _, w := range was {
			var found bool
			if added, found = removeFirst(added, w.equals); !found {
				missing = append(missing, w)
			}
		}
		if len(missing) > 0 || len(added) > 0 {
			return fmt.Sprintf("turns r%d into %s instead of %s", i, firstOrCount(added, is), firstOrCount(missing, was))
		}
	}
	return ""
}

// firstOrCount prints the first snapshot that differs, or else the number of all.
func firstOrCount(differing, all []snapshot) string {
	if len(differing) == 0 {
		return counted(len(all), "Result")
	}
	return differing[0].String()
}
