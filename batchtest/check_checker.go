package batchtest

import (
	"fmt"
	"slices"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// A checker tries a stage under different conditions.
type checker[A, B any] struct {
	stage batch.Stage[A, B]
	checkSettings
	census
	foundBy int // the number of the look that has found a breach; 0: none has
}

// check returns a sentence about the first law that the stage breaks in a scene, "" if it breaks none.
//
// Once a breach has been found, check only looks for it where it was. Rapid then tries hundreds of smaller scenes, and most
// of them break no law.
func (c *checker[A, B]) check(s scene[A]) string {
	var r *rig[A, B]
	var plain *trial
	for i, look := range []func() (*breach, conditions){
		func() (b *breach, under conditions) { r, plain, b = c.try(s, under); return b, under },
		func() (b *breach, under conditions) { return c.again(r, plain), under },
		func() (*breach, conditions) { return c.alone(s, plain) },
		func() (*breach, conditions) { return c.inLanes(s, plain) },
		func() (*breach, conditions) { return c.hindered(s) },
	} {
		number := i + 1
		if c.foundBy > 0 && number > 1 && number != c.foundBy {
			continue // the first is always needed
		}
		if b, under := look(); b != nil {
			c.foundBy = number
			s.conditions = under
			return fmt.Sprintf("the stage %s, with the batch %v: %s", b.deed, s, b.law)
		}
	}
	return ""
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
// each without lanes and in lanes.
func (c *checker[A, B]) hindered(s scene[A]) (*breach, conditions) {
	for _, under := range []conditions{
		{policy: s.policy},
		{policy: s.policy, end: s.end},
		{policy: s.policy, stop: s.stop},
	} {
		r, _, b := c.try(s, under)
		if b == nil && under.stop > 0 {
			b = c.afterStop(r)
		}
		if b != nil {
			return b, under
		}
		if c.wholeBatch {
			continue
		}
		under.lanes = s.lanes
		if _, _, b := c.try(s, under); b != nil {
			return b, under
		}
	}
	return nil, conditions{}
}

// afterStop ranges once more after a range whose consumer has stopped.
func (c *checker[A, B]) afterStop(r *rig[A, B]) *breach {
	stop := r.stop
	r.stop = 0
	next := r.try()
	r.stop = stop
	if b := c.broken(next); b != nil {
		return &breach{b.law, b.deed + " in the next range"}
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
