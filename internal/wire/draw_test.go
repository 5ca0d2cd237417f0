package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

func marshalled[R any](draw func(*rapid.T) R) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		raw, err := json.Marshal(draw(t))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	})
}

type memberOf struct{ name, json string }

// members returns the members of an object. ok is false if the JSON is not an object.
func members(object string) (all []memberOf, ok bool) {
	d := newDecoder([]byte(object))
	if d.PeekKind() != jsontext.KindBeginObject {
		return nil, false
	}
	d.ReadToken()
	for d.PeekKind() == jsontext.KindString {
		name, _ := d.ReadToken()
		m := memberOf{name: name.String()}
		value, _ := d.ReadValue()
		m.json = string(value)
		all = append(all, m)
	}
	return all, true
}

func join(all []memberOf, space string) string {
	var parts []string
	for _, m := range all {
		name, _ := jsontext.AppendQuote(nil, m.name)
		parts = append(parts, string(name)+space+":"+space+m.json)
	}
	return "{" + strings.Join(parts, space+",") + space + "}"
}

// replace replaces the value of a member, or removes the member if by is "".
func replace(in string, path []string, by string) string {
	if len(path) == 0 {
		return by
	}
	all, _ := members(in)
	i := slices.IndexFunc(all, func(m memberOf) bool { return m.name == path[0] })
	if i < 0 {
		i, all = len(all), append(all, memberOf{name: path[0], json: "{}"})
	}
	if all[i].json = replace(all[i].json, path[1:], by); all[i].json == "" {
		all = slices.Delete(all, i, i+1)
	}
	return join(all, "")
}

// shuffled permutes the members of an object, and of its objects down to a depth, and varies the white space.
func shuffled(t *rapid.T, in string, depth int) string {
	all, ok := members(in)
	if !ok || depth == 0 {
		return in
	}
	for i := range all {
		all[i].json = shuffled(t, all[i].json, depth-1)
	}
	if len(all) > 1 {
		all = rapid.Permutation(all).Draw(t, "order")
	}
	return join(all, rapid.SampledFrom([]string{"", " ", "\r\n\t"}).Draw(t, "space"))
}

// listUnder makes events with the records in an array under a name, among members without meaning.
func listUnder(name string) func(*rapid.T, []string) string {
	return func(t *rapid.T, records []string) string {
		return shuffled(t, fmt.Sprintf(`{"x":{"y":[1,null]},%q:[%s],"":"\ud83d"}`, name, strings.Join(records, ",")), 1)
	}
}

func epoch(t *rapid.T) time.Time {
	return time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(t, "time"))
}

func maybe(t *rapid.T, source string) string {
	return rapid.SampledFrom([]string{source, ""}).Draw(t, "source")
}

var (
	anyText = rapid.String()
	anyData = rapid.SliceOfN(rapid.Byte(), 0, 20)
)
