package once

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// javaScriptNumber formats a number as JavaScript does, unless that would change its value. JavaScript rounds to
// float64, so two payloads with different integers beyond 2^53 would have one checksum, and the second record would be
// acknowledged without work. Such a number is written with all its digits.
func javaScriptNumber(number jsontext.Value) []byte {
	rounded := slices.Clone(number)
	_ = rounded.Canonicalize()
	exact := scientific(string(number))
	if scientific(string(rounded)) != exact {
		return []byte(exact)
	}
	return rounded
}

// scientific returns a JSON number as an integer that does not end in zero, and an exponent. So equal numbers have
// one form, unless an exponent does not fit into 32 bits.
func scientific(number string) string {
	unsigned, negative := strings.CutPrefix(number, "-")
	mantissa, exponent := unsigned, int64(0)
	if i := strings.IndexAny(unsigned, "eE"); i >= 0 {
		mantissa = unsigned[:i]
		var err error
		if exponent, err = strconv.ParseInt(unsigned[i+1:], 10, 32); err != nil {
			return number
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	significant := strings.TrimRight(digits, "0")
	exponent += int64(len(digits) - len(significant) - len(fraction))
	if negative {
		significant = "-" + significant
	}
	return significant + "e" + strconv.FormatInt(exponent, 10)
}
