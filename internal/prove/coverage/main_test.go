package main

import (
	"strings"
	"testing"

	"github.com/matryer/is"
)

const root, lanes = module, module + "/internal/lanes"

// read parses a profile in which every block may be given by its file and the rest of its line.
func read(t *testing.T, lines ...string) profile {
	t.Helper()
	p, err := parse("mode: set\n" + module + "/" + strings.Join(lines, "\n"+module+"/") + "\n")
	is.New(t).NoErr(err)
	return p
}

func TestAPackageThatItsOwnTestsCoverTooLittleIsNamed(t *testing.T) {
	is := is.New(t)
	own := read(t, "a.go:1.1,2.2 98 1", "a.go:3.1,3.9 2 0", "internal/lanes/b.go:1.1,2.2 97 1", "internal/lanes/b.go:7.1,9.2 3 0")
	all := own.and(read(t, "internal/lanes/b.go:7.1,9.2 3 5"))
	var table strings.Builder
	err := writeTable(&table, []string{root, lanes, module + "/internal/watch"}, own, all)
	is.Equal(err.Error(), "internal/lanes: its own tests cover 97.0 %, which is less than 98 %")
	is.Equal(strings.Fields(strings.Split(table.String(), "\n")[1]), []string{"root", "100", "98.0", "%", "98.0", "%"})
	is.Equal(strings.Fields(strings.Split(table.String(), "\n")[2]), []string{"internal/lanes", "100", "97.0", "%", "100.0", "%"})
	is.Equal(strings.Fields(strings.Split(table.String(), "\n")[3]), []string{"internal/watch", "0"})
}

func TestABlockRanIfItRanInOneOfItsLines(t *testing.T) {
	is := is.New(t)
	p := read(t, "a.go:5.1,6.2 2 0", "a.go:5.1,6.2 2 1", "a.go:5.1,6.2 2 0")
	ran, total := p.count()
	is.Equal([]int{ran, total}, []int{2, 2})
}

func TestMissedStatementsAreListedInOrder(t *testing.T) {
	is := is.New(t)
	p := read(t, "internal/lanes/b.go:1.1,1.9 1 0", "a.go:30.1,31.2 2 0", "a.go:4.1,4.9 1 0", "a.go:9.1,9.1 0 0", "a.go:1.1,1.9 1 1")
	is.Equal(p.missed(), []string{"a.go:4-4", "a.go:30-31", "internal/lanes/b.go:1-1"})
}

func TestALineThatIsNoBlockIsAnError(t *testing.T) {
	_, err := parse("mode: set\na.go:1.1,2.2 one 1\n")
	is.New(t).True(err != nil)
}
