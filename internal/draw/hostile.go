package draw

import (
	"slices"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// A HostileScene is a pipeline of the library's stages with one to three hostile stages among them: before, in and after
// lanes, routes and chunks. Its functions may fail, hang or end their goroutine.
type HostileScene struct {
	Policy   batch.Policy
	Groups   []string // by record
	Stages   []HostileStage
	Fates    []HostileFate // by record
	Takes    []time.Duration
	Timed    bool          // the invocation has a deadline
	CancelAt time.Duration // when the caller cancels; 0: never
}

// HostileStage is one stage of the scene.
type HostileStage struct {
	Kind  string
	N     int            // lanes, routes, parts, the size of a chunk, or where or how far a hostile stage acts
	Fn    int            // the number of its function, 0: none
	ID    int            // the number of the stage
	Picks []bool         // by record, cyclically: which records a hostile stage acts on
	Order []int          // the permutation of a shuffle
	In    []HostileStage // the stages in lanes or routes
}

// HostileFate is what happens to a record.
type HostileFate struct {
	Do  string // fails, panics, rejects, settles, waits, hangs, exits or ""
	Fn  int    // in which function
	Nth int    // in which call for the same value; 0: in each
}

const waits = "waits" // for the end of its context

// HostileKinds are the kinds of hostile stages:
//
//	late      keeps some Results and sends each a few Results later
//	end       keeps some Results until its input has ended
//	second    keeps some Results of a first range and sends them in a second one
//	elsewhere has another goroutine send some Results, when the next one has arrived
//	hand      hands some Results to the same stage in other lanes, and may end then
//	copy      sends some Results twice
//	far       sends some Results again, later
//	swap      swaps neighbours
//	reverse   sends everything in reverse order
//	shuffle   sends everything in a drawn order
//	drop      drops some Results
//	resend    sends in the place of some Results the one before, again
//	twice     ranges over its input twice
//	nested    ranges over its input again, in the middle of a range
//	count     ranges over its input, throws everything away, and ranges over it again
//	part      builds another pipeline, ranges over a part of it and throws the rest away
//	pull      uses iter.Pull, and may stop early
//	exit      ends its goroutine
//	panic     panics
//	ahead     fetches ahead on another goroutine
var HostileKinds = []string{
	"late", "end", "second", "elsewhere", "hand", "copy", "far", "swap", "reverse", "shuffle", "drop", "resend", "twice", "nested",
	"count", "part", "pull", "exit", "panic", "ahead",
}

// HostilePlaces are the places of hostile stages. A stage is usually in several of them.
var HostilePlaces = []string{
	"before lanes", "in lanes", "after lanes", "before routes", "in routes", "after routes", "before a chunk", "after a chunk",
}

// HostileFates are what functions may do.
var HostileFates = []string{fails, panics, settles, rejects, waits, hangs, exits}

// reordering has the kinds after which the Results of a group may have another order.
var reordering = []string{"late", "end", "second", "elsewhere", "hand", "far", "swap", "reverse", "shuffle", "resend"}

// repeating has the kinds among them that may send a copy of a Result that has left the lane.
var repeating = []string{"second", "far", "resend"}

// HostileScenes draws scenes.
func HostileScenes() *rapid.Generator[HostileScene] {
	return rapid.Custom(func(t *rapid.T) HostileScene {
		s := HostileScene{
			Policy: rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopGroup, batch.StopBatch}).Draw(t, "policy"),
			Groups: rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "a", "b"}), 1, 9).Draw(t, "groups"),
			Timed:  rapid.IntRange(0, 3).Draw(t, "timed") > 0,
		}
		d := &hostileDraw{t: t, parts: 1}
		s.Stages = append(d.stages(0, 1), HostileStage{Kind: "each"})
		for range rapid.IntRange(1, 3).Draw(t, "hostile stages") {
			d.insert(&s.Stages)
		}
		d.number(s.Stages)
		does := slices.Concat([]string{"", "", "", "", ""}, []string{fails, fails}, HostileFates)
		for range s.Groups {
			f := HostileFate{Do: rapid.SampledFrom(does).Draw(t, "does"), Fn: rapid.IntRange(1, d.functions).Draw(t, "function")}
			f.Nth = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "nth call")
			if !s.Timed && (f.Do == waits || f.Do == hangs) {
				f.Do = fails
			}
			s.Fates = append(s.Fates, f)
		}
		for _, ms := range rapid.SliceOfN(rapid.IntRange(0, 4), 1, 5).Draw(t, "takes") {
			s.Takes = append(s.Takes, time.Duration(ms)*time.Millisecond)
		}
		if s.Timed && rapid.IntRange(0, 3).Draw(t, "cancelled") == 0 {
			s.CancelAt = time.Duration(rapid.IntRange(0, 40).Draw(t, "cancelled after"))*time.Millisecond + 500*time.Microsecond
		}
		return s
	})
}

type hostileDraw struct {
	t         *rapid.T
	parts     int
	functions int
	ids       int
}

// stages draws the stages of the library.
func (d *hostileDraw) stages(depth, least int) (all []HostileStage) {
	kinds := []string{"each", "each", "filter", "map", "chunk", "flat", "catch", "orElse"}
	if depth < 2 {
		kinds = append(kinds, "lanes", "lanes", "lanes", "routes", "routes")
	}
	for range rapid.IntRange(least, 3).Draw(d.t, "stages") {
		stage := HostileStage{Kind: rapid.SampledFrom(kinds).Draw(d.t, "kind"), N: rapid.IntRange(1, 4).Draw(d.t, "n")}
		switch stage.Kind {
		case "lanes", "routes":
			stage.In = d.stages(depth+1, 0)
		case "flat":
			if d.parts > 1 {
				continue
			}
			d.parts, stage.N = 2, 2
		}
		all = append(all, stage)
	}
	return all
}

// insert adds a hostile stage somewhere.
func (d *hostileDraw) insert(all *[]HostileStage) {
	stage := HostileStage{
		Kind:  rapid.SampledFrom(HostileKinds).Draw(d.t, "hostile kind"),
		N:     rapid.IntRange(0, 4).Draw(d.t, "hostile n"),
		Picks: rapid.SliceOfN(rapid.Bool(), 1, 5).Draw(d.t, "picks"),
	}
	if stage.Kind == "shuffle" {
		stage.Order = rapid.SliceOfN(rapid.IntRange(0, 99), 3, 9).Draw(d.t, "order")
	}
	lists := listsOf(all)
	list := rapid.SampledFrom(lists).Draw(d.t, "list")
	*list = slices.Insert(*list, rapid.IntRange(0, len(*list)).Draw(d.t, "position"), stage)
}

// listsOf returns the list of stages and those in its lanes and routes.
func listsOf(all *[]HostileStage) []*[]HostileStage {
	lists := []*[]HostileStage{all}
	for i := range *all {
		if stage := &(*all)[i]; stage.hasInside() {
			lists = append(lists, listsOf(&stage.In)...)
		}
	}
	return lists
}

func (s HostileStage) hasInside() bool { return s.Kind == "lanes" || s.Kind == "routes" }

// number gives each stage, and each function, its number.
func (d *hostileDraw) number(all []HostileStage) {
	for i := range all {
		d.ids++
		all[i].ID = d.ids
		switch all[i].Kind {
		case "each", "filter", "map", "chunk", "part":
			d.functions++
			all[i].Fn = d.functions
		}
		d.number(all[i].In)
	}
}

// HasKind reports whether one of the stages, or of those inside them, is of one of the kinds.
func HasKind(all []HostileStage, kinds ...string) bool {
	return slices.ContainsFunc(all, func(s HostileStage) bool { return slices.Contains(kinds, s.Kind) || HasKind(s.In, kinds...) })
}

// Friendly returns the scene without hostile stages, and without anything that a function or the caller does to it.
func (s HostileScene) Friendly() HostileScene {
	s.Stages, s.Fates, s.CancelAt = friendly(s.Stages), make([]HostileFate, len(s.Groups)), 0
	return s
}

func friendly(all []HostileStage) (others []HostileStage) {
	for _, s := range all {
		if !slices.Contains(HostileKinds, s.Kind) {
			s.In = friendly(s.In)
			others = append(others, s)
		}
	}
	return others
}

// harmless has the kinds that lose nothing.
var harmless = []string{"late", "end", "elsewhere", "copy", "swap", "reverse", "shuffle", "ahead"}

// Harmless reports whether no record needs to be reported.
func (s HostileScene) Harmless() bool {
	others := slices.DeleteFunc(slices.Clone(HostileKinds), func(kind string) bool { return slices.Contains(harmless, kind) })
	fated := slices.ContainsFunc(s.Fates, func(f HostileFate) bool { return f.Do != "" && f.Do != rejects })
	return !fated && s.CancelAt == 0 && !HasKind(s.Stages, others...)
}

// Places returns the kind and the place of each hostile stage, once per place.
func (s HostileScene) Places() (all [][2]string) {
	placesIn(s.Stages, nil, &all)
	return all
}

// placesIn adds the places of the stages of one list. known are the places that all of them have.
func placesIn(list []HostileStage, known []string, all *[][2]string) {
	for i, stage := range list {
		at := slices.Clone(known)
		for _, near := range []struct{ kind, name string }{{"lanes", "lanes"}, {"routes", "routes"}, {"chunk", "a chunk"}} {
			if HasKind(list[i+1:], near.kind) {
				at = append(at, "before "+near.name)
			}
			if HasKind(list[:i], near.kind) {
				at = append(at, "after "+near.name)
			}
		}
		if stage.hasInside() {
			placesIn(stage.In, append(at, "in "+stage.Kind), all)
		}
		if slices.Contains(HostileKinds, stage.Kind) {
			slices.Sort(at)
			for _, place := range slices.Compact(at) {
				*all = append(*all, [2]string{stage.Kind, place})
			}
		}
	}
}
