package batchtest

import (
	"fmt"
	"slices"

	"github.com/lambdabatch/batch"
)

// checking is a stage that is being checked.
type checking[A, B any] struct {
	stage batch.Stage[A, B]
	permissions
}

// check returns the sentence that says which law the stage breaks in a scene, "" if it breaks none.
func (c *checking[A, B]) check(s scene[A]) string {
	plain, b := c.plain(s)
	taken := course{}
	for _, try := range []func(scene[A], *passage) (*breach, course){c.alone, c.inLanes, c.hindered} {
		if b == nil {
			b, taken = try(s, plain)
		}
	}
	if b == nil {
		return ""
	}
	s.course = taken
	return fmt.Sprintf("the stage %s, with the batch %v: %s", b.deed, s, b.law)
}

// follow has the batch take a course.
func (c *checking[A, B]) follow(s scene[A], course course) (*rig[A, B], *passage, *breach) {
	r, building := c.build(s, course)
	if b := building.ended(); b != nil {
		return r, building, b
	}
	if building.ranges > 0 {
		return r, building, &breach{lawLazy, "ranges over what comes before it while it is built"}
	}
	if r.out == nil {
		return r, building, &breach{lawReturns, "returns a nil Stream"}
	}
	p := r.pass()
	return r, p, c.broken(p)
}

// plain is without a hindrance, and then twice more.
func (c *checking[A, B]) plain(s scene[A]) (*passage, *breach) {
	r, first, b := c.follow(s, course{})
	if b != nil {
		return first, b
	}
	again := r.pass()
	if b := c.broken(again); b != nil {
		return first, &breach{b.law, b.deed + " in a second range"}
	}
	if deed := differing(first, again); deed != "" {
		return first, &breach{lawRanges, deed + " in a second range"}
	}
	for _, p := range r.passTwice() {
		if b := p.ended(); b != nil {
			return first, &breach{b.law, b.deed + " in two ranges at once"}
		}
		if deed := differing(first, p); deed != "" {
			return first, &breach{lawAtOnce, deed + " in two ranges at once"}
		}
	}
	return first, nil
}

// alone is each record without the others.
func (c *checking[A, B]) alone(s scene[A], plain *passage) (*breach, course) {
	if c.wholeBatch {
		return nil, course{}
	}
	for i := range s.records {
		taken := course{only: i + 1}
		_, p, b := c.follow(s, taken)
		if b != nil {
			return b, taken
		}
		if deed := differing(p, &passage{left: of(i, plain.left)}); deed != "" {
			return &breach{lawAlone, deed + " because of its neighbours"}, course{}
		}
	}
	return nil, course{}
}

// inLanes is without a hindrance in lanes.
func (c *checking[A, B]) inLanes(s scene[A], plain *passage) (*breach, course) {
	taken := course{lanes: s.lanes}
	if c.wholeBatch {
		return nil, taken
	}
	_, p, b := c.follow(s, taken)
	if b != nil {
		return b, taken
	}
	if deed := differing(plain, p); deed != "" {
		return &breach{lawLanes, deed}, taken
	}
	return nil, taken
}

// hindered is under the policy that was drawn, with a consumer that stops or a context that ends or neither, outside of
// lanes and in them.
func (c *checking[A, B]) hindered(s scene[A], _ *passage) (*breach, course) {
	for _, taken := range []course{
		{policy: s.policy},
		{policy: s.policy, end: s.end},
		{policy: s.policy, stop: s.stop},
	} {
		r, _, b := c.follow(s, taken)
		if b == nil && taken.stop > 0 {
			b = c.afterStop(r)
		}
		if b != nil {
			return b, taken
		}
		if c.wholeBatch {
			continue
		}
		taken.lanes = s.lanes
		if _, _, b := c.follow(s, taken); b != nil {
			return b, taken
		}
	}
	return nil, course{}
}

// afterStop is one more range over a stream whose consumer has stopped the first time.
func (c *checking[A, B]) afterStop(r *rig[A, B]) *breach {
	stop := r.stop
	r.stop = 0
	again := r.pass()
	r.stop = stop
	if b := c.broken(again); b != nil {
		return &breach{b.law, b.deed + " in the range after that"}
	}
	return nil
}

// differing says of which record the second passage makes something else, "" for none. The parts of a record may come
// in any order.
func differing(first, second *passage) string {
	all := indexes(slices.Concat(first.left, second.left))
	for _, i := range all {
		was, is := of(i, first.left), of(i, second.left)
		rest := is
		var missing []crossing
		for _, w := range was {
			var found bool
			if rest, found = take(rest, w.same); !found {
				missing = append(missing, w)
			}
		}
		if len(missing) > 0 || len(rest) > 0 {
			return fmt.Sprintf("makes %s of r%d in place of %s", firstOf(rest, is), i, firstOf(missing, was))
		}
	}
	return ""
}

// firstOf is what a sentence shows of what differs.
func firstOf(differ, all []crossing) string {
	if len(differ) == 0 {
		return counted(len(all), "Result")
	}
	return differ[0].String()
}
