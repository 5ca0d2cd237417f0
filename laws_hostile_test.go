package batch_test

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/lambdabatch/batch/internal/draw"
	"pgregory.net/rapid"
)

// Wherever hostile stages are, and for every copy of a result:
//
//   - A record is acknowledged only if, in each range of which something has arrived, each of its parts has passed every
//     function, or was filtered out, or its failure was settled; if no function has failed for any copy without being
//     settled, and none has not returned; and if no earlier record of its group is reported.
//   - No function is called for a record while an earlier record of its group has a failure that counts there: one of
//     the same lane or of outside, unless its result is in the lanes in which the function is called.
//   - A function takes up the records of a group in the order in which all results of each have passed the last place
//     where the order may have changed: the source, a stage that reorders, or lanes in which results were reordered
//     that had been reordered before or were copied. In batch order, if there is none but the source. A stage in a lane
//     must not range over its stream while another range is under way, nor have another goroutine send copies.
//   - The handler responds in time, starts nothing afterwards, and its next invocation is as if there had been none.
//     Its error is nil unless a stage outside of lanes panics.
func TestHostileStagesLoseNothingAndKeepTheOrderOfEachGroup(t *testing.T) {
	seen := make(tally)
	thorough(t, func(t *rapid.T) {
		scene := draw.HostileScenes().Draw(t, "scene")
		rapid.SyncTest(t, func(t *rapid.T) {
			p := playHostile(t, scene)
			for _, kind := range draw.HostileKinds {
				for _, outcome := range p.Outcomes() {
					if draw.HasKind(scene.Stages, kind) {
						seen.add(kind, outcome)
					}
				}
			}
		})
	})
	t.Logf("plays, by kind of stage and by what functions did\n%s", seen.table(draw.HostileKinds, draw.HostileFates))
}

func playHostile(t *rapid.T, scene draw.HostileScene) *draw.HostilePlay {
	p := scene.Play()
	release := sync.OnceFunc(func() { close(p.Free) })
	defer release()
	response, err := p.Answer()
	if took, most := time.Since(p.Start), p.Most(); took > most {
		t.Fatalf("the response takes %v, more than %v\n%v", took, most, scene)
	}
	if scene.Harmless() && len(listed(response)) > 0 {
		t.Fatalf("%v is reported\n%v", listed(response), scene)
	}
	next := scene.Friendly().Play() // while functions of the first invocation are left running
	nextResponse, nextErr := next.Answer()
	if wrong := next.Wrong(nextResponse, nextErr); len(wrong)+len(listed(nextResponse)) > 0 {
		t.Fatalf("in the next invocation: %q, reported %v\n%v", wrong, listed(nextResponse), scene)
	}
	release()
	time.Sleep(time.Minute)
	if wrong := p.Wrong(response, err); len(wrong) > 0 {
		t.Fatalf("%q\nreported %v, %v\n%v", wrong, listed(response), err, scene)
	}
	return p
}

// The seeds are fixed, so this holds always or never.
func TestHostileScenesHaveEveryKindOfStageInEveryPlace(t *testing.T) {
	places, fates := make(tally), make(tally)
	for seed := range 4000 {
		scene := draw.HostileScenes().Example(seed)
		for _, at := range scene.Places() {
			places.add(at[0], at[1])
		}
		for _, kind := range draw.HostileKinds {
			for _, f := range scene.Fates {
				if draw.HasKind(scene.Stages, kind) {
					fates.add(kind, f.Do)
				}
			}
		}
	}
	t.Logf("scenes, by kind of stage and by place\n%s", places.table(draw.HostileKinds, draw.HostilePlaces))
	for _, kind := range draw.HostileKinds {
		for _, place := range draw.HostilePlaces {
			if places[[2]string{kind, place}] == 0 {
				t.Errorf("no scene has %s %s", kind, place)
			}
		}
		for _, fate := range draw.HostileFates {
			if fates[[2]string{kind, fate}] == 0 {
				t.Errorf("no scene has %s with a function that %s", kind, fate)
			}
		}
	}
}

// A tally counts pairs.
type tally map[[2]string]int

func (c tally) add(row, column string) { c[[2]string{row, column}]++ }

func (c tally) table(rows, columns []string) string {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range slices.Concat([]string{""}, rows) {
		fmt.Fprintf(w, "%s\t", row)
		for _, column := range columns {
			if row == "" {
				fmt.Fprintf(w, "%s\t", column)
			} else {
				fmt.Fprintf(w, "%d\t", c[[2]string{row, column}])
			}
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	return text.String()
}
