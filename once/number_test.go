package once_test

// Payloads that differ in a number only.

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/lambdabatch/batch/once"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestAnIDBeyond53BitsIsNotTakenForItsNeighbour(t *testing.T) {
	withEach(t, func(t *testing.T, store once.Store) {
		is := is.New(t)
		calls := 0
		account := int64(1<<53 + 1)
		charge := once.Map(store, order.key, counting(&calls), once.WithPayload(func(order) any { return account }))
		for range 2 {
			_, err := charge(t.Context(), order{"o-1", 12})
			is.NoErr(err)
		}
		account--
		_, err := charge(t.Context(), order{"o-1", 12})
		is.True(errors.Is(err, once.ErrPayload))
		is.Equal(calls, 1)
	})
}

// aNumber draws JSON numbers, many of which are equal or close to each other.
func aNumber() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		whole := rapid.SampledFrom([]string{"0", "1", "10", "100", "1152921504606846976", "1152921504606847000", "9007199254740993", "9007199254740992"}).Draw(t, "whole")
		fraction := rapid.SampledFrom([]string{"", ".0", ".5", ".50", ".1", ".1000000000000000055", ".01"}).Draw(t, "fraction")
		sign := rapid.SampledFrom([]string{"", "-"}).Draw(t, "sign")
		exponent := ""
		if n := rapid.IntRange(-3, 3).Draw(t, "exponent"); n != 0 {
			exponent = fmt.Sprintf("%s%+03d", rapid.SampledFrom([]string{"e", "E"}).Draw(t, "e"), n)
		}
		return sign + whole + fraction + exponent
	})
}

func TestNumbersInPayloadsAreTheSameOnlyIfTheyAreEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := aNumber().Draw(t, "a"), aNumber().Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		for name, store := range map[string]once.Store{"memory": once.Memory(), "table": once.DynamoDB(newTable(), "x")} {
			if same := samePayload(t, store, a, b); same != (x.Cmp(y) == 0) {
				t.Errorf("%s: %s and %s count as the same: %v", name, a, b, same)
			}
		}
	})
}

// samePayload reports whether the store takes the second payload for the first.
func samePayload(t *rapid.T, store once.Store, first, second string) bool {
	claim := once.Claim{Key: "o-1", Payload: json.RawMessage(first), Owner: "first", Expires: time.Now().Add(time.Hour)}
	if _, err := store.Claim(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	claim.Payload, claim.Owner = json.RawMessage(second), "second"
	found, err := store.Claim(t.Context(), claim)
	if err != nil || found == nil {
		t.Fatalf("%v, %v", found, err)
	}
	return !found.OtherPayload
}

func TestNumbersOfAnySizeAreToldApart(t *testing.T) {
	numbers := []string{
		"1e400", "1e401", "-1e400", "1e-400", "0", "1e99999999999999999999", "1e99999999999999999998", "10e9223372036854775807", "1e-9223372036854775808",
		strings.Repeat("9", 400), strings.Repeat("9", 399) + "8",
	}
	rapid.Check(t, func(t *rapid.T) {
		i, j := rapid.IntRange(0, len(numbers)-1).Draw(t, "i"), rapid.IntRange(0, len(numbers)-1).Draw(t, "j")
		if same := samePayload(t, once.Memory(), numbers[i], numbers[j]); same != (i == j) {
			t.Errorf("%s and %s count as the same: %v", numbers[i], numbers[j], same)
		}
	})
}
