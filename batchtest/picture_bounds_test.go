package batchtest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

// colourful returns a run with a cell for each verdict.
func colourful(t *testing.T) *batchtest.Run {
	run := reported(t, "-xxxxx", func(ctx context.Context) {
		report(ctx, nil, errNoGood, batch.ErrBlocked, batch.ErrUnreached, batch.ErrRunning)
	})
	run.Invocations = append(run.Invocations, batchtest.Invocation{Records: []string{"m-6"}, Outcome: batchtest.Partial})
	return run
}

func TestEachStateHasAColourAndAMarkThatTheLegendExplains(t *testing.T) {
	is := is.New(t)
	picture := drawn(t, colourful(t))
	looks := make(map[string]string)
	var fills, marks []string
	for _, cell := range picture.cells() {
		fill, mark := cell.attr("fill"), cell.all("path")[0]
		looks[cell.state()] = fill + " " + mark.attr("d")
		fills, marks = append(fills, fill), append(marks, mark.attr("d"))
		is.True(contrast(fill, mark.attr("stroke")) > 4)
	}
	explained := make(map[string]string)
	for _, g := range picture.Inside {
		if rect := g.all("rect"); len(rect) == 1 && len(g.cells()) == 0 {
			explained[g.all("text")[0].Text] = rect[0].attr("fill") + " " + g.all("path")[0].attr("d")
		}
	}
	is.Equal(len(looks), 7)
	is.Equal(explained, looks)
	slices.Sort(fills)
	slices.Sort(marks)
	is.Equal(len(slices.Compact(fills)), 7)
	is.Equal(len(slices.Compact(marks)), 7)
}

func TestTextIsReadableOnTheBackground(t *testing.T) {
	is := is.New(t)
	picture := drawn(t, colourful(t))
	background := picture.Inside[0]
	is.Equal(background.XMLName.Local, "rect")
	for _, element := range append(picture.all("text"), append(picture.all("g"), picture)...) {
		if fill := element.attr("fill"); fill != "" && len(element.cells()) == 0 && len(element.all("rect")) == 0 {
			is.True(contrast(fill, background.attr("fill")) > 4.5)
		}
	}
}

// contrast is the contrast ratio of the Web Content Accessibility Guidelines: 1 for equal colours, 21 for
// black on white.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(colour string) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestTheLegendListsOnlyStatesThatOccur(t *testing.T) {
	is := is.New(t)
	texts := drawn(t, queueOf(2).Drain(t.Context(), responding(""))).texts()
	is.Equal(texts[slices.Index(texts, "m-2")+1:], []string{"deleted", "finished"})
}

func TestTheLegendTakesAsManyLinesAsItNeeds(t *testing.T) {
	is := is.New(t)
	picture := drawn(t, colourful(t))
	places := make(map[string]bool)
	for _, g := range picture.Inside {
		if rect := g.all("rect"); len(rect) == 1 && len(g.cells()) == 0 {
			var x, y int
			_, _ = fmt.Sscanf(g.attr("transform"), "translate(%d %d)", &x, &y)
			is.True(x+32+6*len(g.all("text")[0].Text) < number(picture.attr("width")))
			places[g.attr("transform")] = true
		}
	}
	is.Equal(len(places), 7)
}

func TestIDsAndErrorsAreOnlyText(t *testing.T) {
	is := is.New(t)
	const evil = `</title><script>"&'`
	run := &batchtest.Run{Err: errors.New(evil), Invocations: []batchtest.Invocation{
		{Records: []string{evil, "a\x00\x1b\u202e\xffb"}, Outcome: batchtest.Failure, Err: errors.New(evil)},
	}}
	picture := drawn(t, run)
	is.Equal(picture.rows(), []string{evil + ": reported; still there", "a����b: reported; still there"})
	is.Equal(picture.all("title")[0].Text, "invocation 1: failure after 0s: "+evil)
	is.Equal(len(picture.all("script")), 0)
	is.True(slices.Contains(picture.texts(), "ended early: "+evil))
}

func TestLongIDsAreClippedInTheMiddle(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	for want, ids := range map[string][]string{
		"0123456789012…89012345678x": {long + "012345678x", "short"},
		"abcdefghijklmnopqrstuvwxyz": {"abcdefghijklmnopqrstuvwxyz", "short"},
		"注文注文注文…注文注文注文":              {strings.Repeat("注文", 20), "short"},
		"…00000a": {long + "00000a", long + "00000b"},
	} {
		t.Run(want, func(t *testing.T) {
			is := is.New(t)
			picture := drawn(t, &batchtest.Run{Invocations: []batchtest.Invocation{{Records: ids}}})
			name, _, _ := strings.Cut(picture.rows()[0], ":")
			is.Equal(name, want)
			for _, title := range picture.all("title") {
				is.True(len([]rune(title.Text)) < 300)
			}
		})
	}
}

func numberedIDs(n int) []string {
	return lo.Times(n, func(i int) string { return fmt.Sprintf("m-%d", i+1) })
}

func TestAPictureOfManyRecordsShowsThoseThatFailed(t *testing.T) {
	is := is.New(t)
	ids := numberedIDs(10_088)
	run := &batchtest.Run{Deleted: ids[:10_087], DeadLettered: ids[10_087:], Invocations: []batchtest.Invocation{
		{Records: ids, Outcome: batchtest.Partial, Done: ids[:10_087], Listed: ids[10_087:]},
	}}
	picture := drawn(t, run)
	rows := picture.rows()
	is.Equal(len(rows), 100)
	is.Equal(rows[0], "m-1: finished; deleted")
	is.Equal(rows[98], "m-99: finished; deleted")
	is.Equal(rows[99], "m-10088: reported; dead-lettered")
	is.True(slices.Contains(picture.texts(), "and 9,988 more"))
	is.Equal(picture.attr("aria-label"), "records: 10,088, invocations: 1")

	run.Invocations[0].Outcome = batchtest.Failure
	rows = drawn(t, run).rows()
	is.Equal(len(rows), 100)
	is.Equal(rows[99], "m-100: reported; deleted")
}

func TestAHundredRecordsAreNotTooMany(t *testing.T) {
	is := is.New(t)
	run := &batchtest.Run{Invocations: []batchtest.Invocation{{Records: numberedIDs(100)}}}
	is.Equal(len(drawn(t, run).rows()), 100)
	for _, text := range drawn(t, run).texts() {
		is.True(!strings.Contains(text, "more"))
	}
}

func TestAPictureOfManyInvocationsShowsTheFirstAndTheLast(t *testing.T) {
	is := is.New(t)
	run := &batchtest.Run{Invocations: slices.Repeat([]batchtest.Invocation{{Records: []string{"m-1"}}}, 32)}
	is.Equal(len(drawn(t, run).cells()), 32)
	run.Invocations = append(run.Invocations, run.Invocations...)
	picture := drawn(t, run)
	is.Equal(len(picture.cells()), 31)
	is.Equal(picture.cells()[22].tooltip(), "m-1 in invocation 23: finished, yet redelivered")
	is.Equal(picture.cells()[23].tooltip(), "m-1 in invocation 57: finished, yet redelivered")
	texts := picture.texts()
	at := slices.Index(texts, "…")
	is.Equal([]string{texts[at-2], texts[at+1]}, []string{"23", "57"})
}

func TestAnyRunCanBeDrawnWithinItsFrame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.String(), 1, 120, rapid.ID[string]).Draw(rt, "ids")
		some := rapid.SliceOf(rapid.SampledFrom(ids))
		run := &batchtest.Run{Deleted: some.Draw(rt, "deleted"), DeadLettered: some.Draw(rt, "dead-lettered")}
		for range rapid.IntRange(0, 40).Draw(rt, "invocations") {
			run.Invocations = append(run.Invocations, batchtest.Invocation{
				Records: some.Draw(rt, "records"), Done: some.Draw(rt, "done"), Listed: some.Draw(rt, "listed"),
				Ignored: some.Draw(rt, "ignored"), Outcome: batchtest.Outcome(rapid.IntRange(0, 2).Draw(rt, "outcome")),
				Err: rapid.SampledFrom([]error{nil, errors.New(rapid.String().Draw(rt, "error"))}).Draw(rt, "err"),
			})
		}
		picture := drawn(rt, run)
		width, height := picture.attr("width"), picture.attr("height")
		if picture.attr("viewBox") != "0 0 "+width+" "+height {
			rt.Fatal(picture.attr("viewBox"), width, height)
		}
		right, bottom := number(width), number(height)
		for _, text := range picture.all("text") {
			if number(text.attr("x")) >= right-16 || number(text.attr("y")) > bottom-16 {
				rt.Fatal(text)
			}
		}
		for _, g := range picture.all("g") {
			var x, y int
			_, _ = fmt.Sscanf(g.attr("transform"), "translate(%d %d)", &x, &y)
			if x >= right-16 || y > bottom-16 {
				rt.Fatal(g.attr("transform"), width, height)
			}
		}
	})
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
