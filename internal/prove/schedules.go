package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

// properties are the tests of package batchtest that draw schedules.
var properties = []string{
	"TestOnAStandardQueueEveryMessageHasItsEffectOrIsDeadLettered",
	"TestOnAFIFOQueueGroupsAlsoTakeEffectInOrder",
	"TestOnAShardEveryRecordHasItsEffectInOrderOrIsGivenUp",
	"TestOnATopicEveryRecordHasItsEffectInOrderOrIsGivenUpUnderBothReadings",
	"TestAHandlerWhoseFailuresStopIsDrained",
	"TestTheStateOfAWindowIsTheFoldOverEveryRecordOnce",
	"TestOnlyMessagesWhoseFunctionFailsAreDeadLetteredWithMaxReceives",
	"TestOnAStandardQueueOnlyMessagesWhoseFunctionFailsAreDeadLettered",
}

// slice is how many schedules one process draws from one seed.
const slice = 1000

// spacing of seeds: the seeds of one slice are less than slice*slice after the first.
const spacing = 1_000_000_007

// schedules draws n schedules: 1,000 from one property, 1,000 from the next, and so on. The slice with the same number always
// draws the same ones.
func schedules(ctx context.Context, from, n int) error {
	dir, err := os.MkdirTemp("", "prove")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "batchtest.test")
	if err := command(ctx, "go", "test", "-c", "-o", binary, "./batchtest"); err != nil {
		return err
	}
	reached := make(tally)
	first, last := from/slice, (from+n+slice-1)/slice
	err = inParallel(ctx, first, last, func(ctx context.Context, i int) error {
		file := filepath.Join(dir, fmt.Sprint(i, ".json"))
		out, err := output(ctx, "batchtest", binary,
			"-test.run", "^"+properties[i%len(properties)]+"$", "-test.timeout", "0", "-tally", file,
			"-rapid.checks", fmt.Sprint(slice), "-rapid.seed", fmt.Sprint((i+1)*spacing), "-rapid.nofailfile")
		if err != nil {
			return fmt.Errorf("%s\nslice %d failed: %w", withoutDraws(out), i, err)
		}
		return reached.add(file)
	}, func(done int) {
		fmt.Printf("%d of %d schedules; to continue from here: -from %d -n %d\n", done*slice, n, (first+done)*slice, max(n-done*slice, 0))
	})
	fmt.Println(reached)
	return err
}

// withoutDraws leaves out what a failed case drew, which is long. Its seed is enough to draw it again.
func withoutDraws(out string) string {
	var kept strings.Builder
	for line := range strings.Lines(out) {
		if !strings.Contains(line, "[rapid] draw") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// add adds the counts that a process has written.
func (t tally) add(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	counts := make(map[string]int)
	if err := json.Unmarshal(data, &counts); err != nil {
		return err
	}
	for what := range maps.Keys(counts) {
		t[what] += counts[what]
	}
	return nil
}
