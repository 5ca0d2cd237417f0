package wire

import "bytes"

// member says where the value goes that an object of a T has under a name.
type member[T any] struct {
	name string
	read func(*reader, *T)
}

// object reads an object into a T; null leaves it as it is. Members are in the order in which AWS
// sends them, so that the next one is the likely one.
func object[T any](r *reader, members []member[T], to *T) {
	if !r.open('{') {
		return
	}
	next := 0
	for first := true; ; first = false {
		i, end := next, min(next+2, len(members)) // one may be left out
		for i < end && !r.expected(members[i].name, first) {
			i++
		}
		if i == end {
			name, ok := r.member(first)
			if !ok {
				return
			}
			if i = find(members, next, name); i < 0 {
				r.skip()
				continue
			}
		}
		members[i].read(r, to)
		next = i + 1
	}
}

// expected passes to the value of an object's next member if it stands there under this name, as AWS
// writes it: without white space.
func (r *reader) expected(name string, first bool) bool {
	at, data := r.pos, r.data
	if !first {
		if at == len(data) || data[at] != ',' {
			return false
		}
		at++
	}
	end := at + len(name) + 3
	if end > len(data) || data[at] != '"' || string(data[at+1:end-2]) != name || data[end-2] != '"' || data[end-1] != ':' {
		return false
	}
	r.pos = end
	return true
}

// find returns the member that a name stands for, in any case, or -1. The likely one comes first.
func find[T any](members []member[T], likely int, name []byte) int {
	if likely < len(members) && members[likely].name == string(name) {
		return likely
	}
	for i := range members {
		if named(name, members[i].name) {
			return i
		}
	}
	return -1
}

// named reports whether encoding/json takes a name for that of a field.
func named(name []byte, field string) bool { return bytes.EqualFold(name, []byte(field)) }

// entries reads an object's members into a map, or into the one that is there; null makes it nil.
// The last of two members with one name counts, and
// what read refuses does not. The size is that of the last such map, and the next.
func entries[V any](r *reader, to *map[string]V, size *int, read func(*reader, string) (V, bool)) {
	if r.peek() == 'n' {
		*to = nil
	}
	if !r.open('{') {
		return
	}
	m := *to
	if m == nil {
		m = make(map[string]V, min(*size, maxMapSize))
		*to = m
	}
	for first := true; ; first = false {
		name, ok := r.member(first)
		if !ok {
			break
		}
		key := r.share(name)
		if value, ok := read(r, key); ok {
			m[key] = value
		}
	}
	*size = len(m)
}

// maxMapSize bounds the room made for a map because the last one needed it.
const maxMapSize = 16

// list reads an array into a slice; null makes it nil. A list that is given twice is a fault, since
// encoding/json would let the first show through the second.
func list[E any](r *reader, to *[]E, read func(*reader, *E)) {
	if r.peek() == 'n' {
		*to = nil
	}
	at, old := r.pos, *to
	if !r.open('[') {
		return
	}
	if len(old) > 0 {
		r.bad(at, errList)
	}
	s := []E{}
	for first := true; r.element(first); first = false {
		s = append(s, *new(E))
		read(r, &s[len(s)-1])
	}
	*to = s
}
