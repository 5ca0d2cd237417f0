package wire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// others matches all names except the vital ones.
const others = "*"

var vitalAttributes = []string{"MessageGroupId", "ApproximateReceiveCount"}

// amended is a record in which encoding/json accepts the metadata. It would reject metadata that the reader accepts.
type amended struct {
	raw    json.RawMessage
	free   [][]string // paths of removed numbers and times that encoding/json rejects
	unread [][]string // paths of removed metadata that cannot be read at all
}

// amend quotes metadata that the reader accepts as a string although it is not, and removes other metadata that
// encoding/json rejects.
func (f target[R]) amend(raw json.RawMessage) amended {
	return f.amendIn(raw, nil)
}

func (f target[R]) amendIn(raw json.RawMessage, in []string) (a amended) {
	a.raw = raw
	all, ok := rawMembers(raw)
	if !ok {
		return a
	}
	var kept []string
	for _, m := range all {
		path, leaf, deeper := f.metadataAt(in, m.name)
		if deeper {
			inner := f.amendIn(m.value, path)
			m.value = inner.raw
			a.free, a.unread = append(a.free, inner.free...), append(a.unread, inner.unread...)
		}
		if leaf && !f.accepts(path, m.value) {
			switch k := m.value[0]; {
			case k == '{' || k == '[':
				a.unread = append(a.unread, path)
				continue
			case f.accepts(path, []byte(`"x"`)):
				m.value, _ = jsontext.AppendQuote(nil, m.value)
			default:
				a.free = append(a.free, path)
				continue
			}
		}
		kept = append(kept, string(m.quoted)+":"+string(m.value))
	}
	a.raw = json.RawMessage("{" + strings.Join(kept, ",") + "}")
	return a
}

type rawMember struct {
	name          string
	quoted, value []byte
}

func rawMembers(object json.RawMessage) (all []rawMember, ok bool) {
	d := newDecoder(object)
	if d.PeekKind() != jsontext.KindBeginObject {
		return nil, false
	}
	d.ReadToken()
	for d.PeekKind() == jsontext.KindString {
		quoted, _ := d.ReadValue()
		m := rawMember{quoted: bytes.Clone(quoted)}
		name, _ := jsontext.AppendUnquote(nil, quoted)
		m.name = string(name)
		value, _ := d.ReadValue()
		m.value = bytes.Clone(value)
		all = append(all, m)
	}
	return all, true
}

// metadataAt returns the path of a name within in. leaf reports whether it is the path of metadata, and deeper
// whether there is metadata within it.
func (f target[R]) metadataAt(in []string, name string) (path []string, leaf, deeper bool) {
	path = append(slices.Clone(in), name)
	for _, field := range f.metadata {
		names := strings.Split(field, ".")
		if len(names) < len(path) || !slices.Equal(names[:len(in)], in) {
			continue
		}
		switch own := names[len(in)]; {
		case own == others:
			leaf = leaf || !slices.Contains(vitalAttributes, name)
		case !matchesName([]byte(name), own):
		default:
			path[len(in)] = own
			leaf, deeper = leaf || len(names) == len(path), deeper || len(names) > len(path)
		}
	}
	return path, leaf, deeper
}

// accepts reports whether encoding/json accepts a value at a path.
func (f target[R]) accepts(path []string, value []byte) bool {
	for _, name := range slices.Backward(path) {
		quoted, _ := jsontext.AppendQuote(nil, name)
		value = slices.Concat([]byte("{"), quoted, []byte(":"), value, []byte("}"))
	}
	_, err := decode[R](value)
	return err == nil
}

// isMetadata reports whether a path is the path of metadata.
func (f target[R]) isMetadata(path string) bool {
	for _, field := range f.metadata {
		if group, all := strings.CutSuffix(field, others); strings.EqualFold(path, field) ||
			all && len(path) > len(group) && strings.EqualFold(path[:len(group)], group) && !slices.Contains(vitalAttributes, path[len(group):]) {
			return true
		}
	}
	return false
}

// take copies the value at a path.
func take(to, from reflect.Value, path []string) {
	if len(path) == 0 {
		to.Set(from)
		return
	}
	switch to.Kind() {
	case reflect.Pointer:
		take(to.Elem(), from.Elem(), path)
	case reflect.Map:
		key := reflect.ValueOf(path[0])
		if value := from.MapIndex(key); value.IsValid() {
			to.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range to.NumField() {
			tag, _, _ := strings.Cut(to.Type().Field(i).Tag.Get("json"), ",")
			if tag == path[0] {
				take(to.Field(i), from.Field(i), path[1:])
			} else if to.Type().Field(i).Anonymous && tag == "" && to.Type().Field(i).Type.PkgPath() != "time" {
				take(to.Field(i), from.Field(i), path)
			}
		}
	}
}

// unreadFields checks the fields that a batch lists as unread: all of those that must be, and some of those that may
// be.
func unreadFields(t *testing.T, got []Unread, must, may [][]string) {
	t.Helper()
	named := map[string]bool{}
	for _, u := range got {
		if named[u.Field] || u.Got == "" || len(u.Got) > 100 {
			t.Fatalf("noted twice, or without a value: %+v", got)
		}
		named[u.Field] = true
	}
	known := map[string]bool{"…": len(got) == maxUnread+1}
	for _, path := range must {
		field := clip(strings.Join(path, "."), maxPath)
		known[field] = true
		if !named[field] && !named["…"] {
			t.Fatalf("%q is not noted: %+v", field, got)
		}
	}
	for _, path := range may {
		known[clip(strings.Join(path, "."), maxPath)] = true
	}
	for field := range named {
		if !known[field] {
			t.Fatalf("%q is noted: %+v", field, got)
		}
	}
}
