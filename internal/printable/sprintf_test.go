package printable_test

import (
	"os"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/internal/printable"
)

// evil panics with itself when it is asked for its text.
type evil struct{}

func (e evil) Error() string { panic(e) }

func TestAValueIsFormattedWhateverItsMethodsDo(t *testing.T) {
	is := is.New(t)
	is.Equal(printable.Sprintf("%v", 7), "7")
	is.Equal(printable.Sprintf("got %q", "a\x7f"), `got "a\x7f"`)
	is.Equal(printable.Sprintf("%v", "a\x7f"), "a\x7f")
	is.Equal(printable.Sprintf("%v", nil), "<nil>")
	is.Equal(printable.Sprintf("%v", (*os.PathError)(nil)), "<nil>")
	is.Equal(printable.Sprintf("got %v", evil{}), "a printable_test.evil whose text cannot be made")
}

func TestAnErrorHasATextWhateverItsMethodsDo(t *testing.T) {
	is := is.New(t)
	is.Equal(printable.ErrorText(os.ErrNotExist), "file does not exist")
	is.Equal(printable.ErrorText((*os.PathError)(nil)), "an error that is a nil *fs.PathError")
	is.Equal(printable.ErrorText(evil{}), "a printable_test.evil whose text cannot be made")
}
