package batchtest_test

import (
	"flag"
	"os"
	"testing"
)

// Shrinking must not stop early on a slow machine: tests expect the smallest batch.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("rapid.shrinktime", "10m"); err != nil {
		panic(err)
	}
	code := m.Run()
	if *tallyFile != "" {
		if err := reached.write(*tallyFile); err != nil {
			panic(err)
		}
	}
	os.Exit(code)
}
