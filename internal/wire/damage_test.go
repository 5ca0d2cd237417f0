//go:build !race

package wire

// Events of which bytes are missing or wrong. Not with the race detector: they are many thousands, read by one goroutine.

import (
	"fmt"
	"strings"
	"testing"

	"github.com/matryer/is"
)

func TestAnEventThatIsCutOffAnywhereIsRefusedAsThat(t *testing.T) {
	for event, check := range shortEvents {
		check(t, []byte(event))
		for n := range len(event) {
			for _, err := range refusals(event[:n]) {
				is := is.New(t)
				is.True(err != nil)
				if n > 0 {
					_, got, _ := strings.Cut(err.Error(), ", got ")
					is.Equal(got, fmt.Sprintf("JSON that is cut off after byte %d", n))
				}
			}
		}
	}
}

func TestAnEventWithAnyByteDamagedIsReadAsEncodingJSONReadsIt(t *testing.T) {
	for event, check := range shortEvents {
		for at := range len(event) {
			for _, by := range []string{``, ` `, `"`, `,`, `}`, `]`, `0`, `e`, `n`, "\x00", `\`, string([]byte{event[at] + 1})} {
				check(t, []byte(event[:at]+by+event[at+1:]))
				check(t, []byte(event[:at]+by+event[at:]))
			}
		}
	}
}
