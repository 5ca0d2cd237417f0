package batch_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/draw"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// A foreignPlay runs a scene and keeps the values that its last stage has stored, and the response.
type foreignPlay struct {
	*foreignScene
	t        *rapid.T
	mu       sync.Mutex
	stored   []string
	reported []string
	report   batch.Report
	scopes   draw.Scopes
	err      error
	took     time.Duration
}

// play runs the scene and returns the values that were stored when Run returned.
func (p *foreignPlay) play() (stored []string) {
	ctx, cancel := context.WithCancel(context.Background())
	if p.timed {
		ctx, cancel = context.WithTimeout(context.Background(), 10*time.Second)
	}
	defer cancel()
	if p.cancelled > 0 {
		time.AfterFunc(p.cancelled+500*time.Microsecond, cancel)
	}
	source := batch.From(ctx, numerals(0, len(p.groups)), func(v string) batch.Record {
		return batch.Record{ID: "r" + v, Group: p.groups[indexOf(v)], Attempt: p.attempts[indexOf(v)]}
	}, append(p.scopes.Options(), batch.WithPolicy(p.policy), batch.WithMaxReceives(p.most), batch.WithReserve(time.Second),
		batch.WithoutAllFailedError(), batch.WithReport(func(_ context.Context, r batch.Report) { p.report = r }))...)
	start := time.Now()
	response, err := batch.Run(source, func(in texts) texts {
		return batch.TryEach(p.build(p.stages)(in), func(ctx context.Context, v string) error {
			p.scopes.CallIn(ctx, indexOf(v))
			p.mu.Lock()
			defer p.mu.Unlock()
			p.stored = append(p.stored, v)
			return nil
		})
	})
	p.took, p.err, p.reported = time.Since(start), err, listed(response)
	return p.storedSoFar()
}

func (p *foreignPlay) storedSoFar() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.stored)
}

func (p *foreignPlay) fail(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf(format+"\nscene %+v\nstored %v, reported %v: %v", append(args, *p.foreignScene, p.storedSoFar(), p.reported, p.report.Failures)...)
}

// does reports whether a function does one of these deeds for the record.
func (p *foreignPlay) does(i int, deeds ...string) bool {
	return p.deeds[i].at > 0 && slices.Contains(deeds, p.deeds[i].do)
}

func (p *foreignPlay) anyDoes(deeds ...string) bool {
	return slices.ContainsFunc(lo.Range(len(p.groups)), func(i int) bool { return p.does(i, deeds...) })
}

// after reports whether record j must take effect after record i.
func (p *foreignPlay) after(i, j int) bool {
	return i < j && (p.policy == batch.StopBatch || p.policy == batch.StopGroup && p.groups[i] != "" && p.groups[i] == p.groups[j])
}

func hasStage(stages []foreignStage, kind string) bool {
	return slices.ContainsFunc(stages, func(s foreignStage) bool { return s.kind == kind || hasStage(s.in, kind) })
}

// stopsEarly reports whether a stage may drop records before their functions are called.
func (p *foreignPlay) stopsEarly() bool {
	return hasStage(p.stages, "first") || hasStage(p.stages, "crash")
}

// Stages keep, copy, prefetch and count results before, in and after lanes. Each record is finished or reported, and groups
// take effect in order.
func TestForeignStagesAroundLanesLoseNothing(t *testing.T) {
	t.Run("smooth", func(t *testing.T) { playForeign(t, false) })
	t.Run("rough", func(t *testing.T) { playForeign(t, true) })
}

func playForeign(t *testing.T, rough bool) {
	thorough(t, func(t *rapid.T) {
		scene := drawForeign(t, rough)
		rapid.SyncTest(t, func(t *rapid.T) {
			scene.free = make(chan struct{}) // must belong to this bubble
			release := sync.OnceFunc(func() { close(scene.free) })
			defer release()
			p := &foreignPlay{foreignScene: scene, t: t}
			stored := p.play()
			p.respondsInTime()
			p.acknowledgesOnlyStoredRecords(stored)
			if !hasStage(p.stages, "reverse") {
				p.keepsOrder(stored)
			}
			if !p.anyDoes("hang", "exit") && p.cancelled == 0 && !p.stopsEarly() {
				p.reportsNoOtherRecord()
			}
			release()
			time.Sleep(time.Minute)
			if late := p.storedSoFar()[len(stored):]; len(late) > 0 {
				p.fail("%v is stored after the response", late)
			}
			if wrong := p.scopes.Wrong(); len(wrong) > 0 {
				p.fail("%v", wrong)
			}
		})
	})
}

func (p *foreignPlay) respondsInTime() {
	most := 9 * time.Second // when the contexts end
	if p.anyDoes("hang") {
		most += 500 * time.Millisecond
	}
	r := p.report
	if p.err != nil || p.timed && p.took > most || r.Acknowledged+r.Failed+r.Blocked+r.NotStarted+r.Unreached != r.Records {
		p.fail("%v after %v, %+v", p.err, p.took, r)
	}
}

func (p *foreignPlay) acknowledgesOnlyStoredRecords(stored []string) {
	for i := range p.groups {
		if slices.Contains(p.reported, "r"+strconv.Itoa(i)) || p.does(i, "settle") {
			continue
		}
		parts := make(map[string]bool)
		for _, v := range stored {
			if indexOf(v) == i {
				parts[v] = true
			}
		}
		if len(parts) != p.parts {
			p.fail("r%d is acknowledged, but only %d of %d parts are stored", i, len(parts), p.parts)
		}
	}
}

func (p *foreignPlay) keepsOrder(stored []string) {
	for x, v := range stored {
		for _, w := range stored[x+1:] {
			if p.after(indexOf(w), indexOf(v)) {
				p.fail("%s is stored after %s", w, v)
			}
		}
		for i := range p.groups {
			last := p.attempts[i] >= p.most
			if p.after(i, indexOf(v)) && p.does(i, "fail", "panic") && !last && !p.stopsEarly() {
				p.fail("%s is stored, though %d has failed", v, i)
			}
		}
	}
}

func (p *foreignPlay) reportsNoOtherRecord() {
	for i := range p.groups {
		innocent := !p.does(i, "fail", "panic", "settle")
		for j := range p.groups {
			innocent = innocent && !(p.after(j, i) && p.does(j, "fail", "panic", "settle"))
		}
		if innocent && slices.Contains(p.reported, "r"+strconv.Itoa(i)) {
			p.fail("r%d is reported", i)
		}
	}
}
