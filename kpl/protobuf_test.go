package kpl_test

// The protobuf module, given the format's schema, must read the same user records.

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/lambdabatch/batch/kpl"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"
)

type (
	kind  = descriptorpb.FieldDescriptorProto_Type
	label = descriptorpb.FieldDescriptorProto_Label
)

const (
	text    = descriptorpb.FieldDescriptorProto_TYPE_STRING
	number  = descriptorpb.FieldDescriptorProto_TYPE_UINT64
	octets  = descriptorpb.FieldDescriptorProto_TYPE_BYTES
	nested  = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	must    = descriptorpb.FieldDescriptorProto_LABEL_REQUIRED
	may     = descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
	several = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
)

// schema describes the message of an aggregate.
func schema() protoreflect.MessageDescriptor {
	field := func(name string, n int32, l label, k kind) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &n, Label: &l, Type: &k}
		if k == nested {
			f.TypeName = proto.String("." + map[string]string{"records": "User", "tags": "Tag"}[name])
		}
		return f
	}
	message := func(name string, fields ...*descriptorpb.FieldDescriptorProto) *descriptorpb.DescriptorProto {
		return &descriptorpb.DescriptorProto{Name: &name, Field: fields}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name:   proto.String("aggregate.proto"),
		Syntax: proto.String("proto2"),
		MessageType: []*descriptorpb.DescriptorProto{
			message("Aggregate", field("keys", 1, several, text), field("hashes", 2, several, text), field("records", 3, several, nested)),
			message("User", field("key", 1, must, number), field("hash", 2, may, number), field("data", 3, must, octets), field("tags", 4, several, nested)),
			message("Tag", field("key", 1, must, text), field("value", 2, may, text)),
		},
	}, nil)
	if err != nil {
		panic(err)
	}
	return file.Messages().ByName("Aggregate")
}

// expected returns the user records that protobuf reads. ok is false if the message is not that of a valid
// aggregate.
func expected(schema protoreflect.MessageDescriptor, message []byte) (users []kpl.UserRecord, ok bool) {
	m := dynamicpb.NewMessage(schema)
	if proto.Unmarshal(message, m) != nil {
		return nil, false
	}
	list := func(name protoreflect.Name) protoreflect.List {
		return m.Get(schema.Fields().ByName(name)).List()
	}
	keys, hashes, records := list("keys"), list("hashes"), list("records")
	for _, table := range []protoreflect.List{keys, hashes} {
		for i := range table.Len() {
			if !utf8.ValidString(table.Get(i).String()) {
				return nil, false
			}
		}
	}
	for i := range records.Len() {
		r := records.Get(i).Message()
		fields := r.Descriptor().Fields()
		key, hash := fields.ByName("key"), fields.ByName("hash")
		u := kpl.UserRecord{Data: r.Get(fields.ByName("data")).Bytes()}
		if r.Get(key).Uint() >= uint64(keys.Len()) || r.Has(hash) && r.Get(hash).Uint() >= uint64(hashes.Len()) {
			return nil, false
		}
		u.PartitionKey = keys.Get(int(r.Get(key).Uint())).String()
		if r.Has(hash) {
			u.ExplicitHashKey = hashes.Get(int(r.Get(hash).Uint())).String()
		}
		users = append(users, u)
	}
	return users, len(users) > 0
}

func checkAgainstProtobuf(t interface{ Fatalf(string, ...any) }, schema protoreflect.MessageDescriptor, message []byte) {
	want, ok := expected(schema, message)
	got, aggregated, err := kpl.UserRecords(sealed(message))
	_, typed := errors.AsType[*kpl.AggregateError](err)
	switch {
	case !aggregated, err != nil && !typed, (err == nil) != ok:
		t.Fatalf("%x: %v, %v; protobuf: %v", message, aggregated, err, ok)
	case !slices.EqualFunc(got, want, same):
		t.Fatalf("%x: %+v, protobuf: %+v", message, got, want)
	}
}

func TestAMessageIsReadAsProtobufReadsIt(t *testing.T) {
	schema := schema()
	rapid.Check(t, func(t *rapid.T) {
		data := drawn(t, users.Draw(t, "users"))
		message := bytes.Clone(data[len(magic) : len(data)-16])
		for range rapid.IntRange(0, 3).Draw(t, "corruptions") {
			if len(message) == 0 {
				break
			}
			at := rapid.IntRange(0, len(message)-1).Draw(t, "at")
			switch rapid.SampledFrom([]string{"set", "cut", "insert", "leave out", "twice"}).Draw(t, "corruption") {
			case "set":
				message[at] = byte(rapid.IntRange(0, 40).Draw(t, "byte"))
			case "cut":
				message = message[:at]
			case "insert":
				message = slices.Insert(message, at, rapid.Byte().Draw(t, "byte"))
			case "leave out":
				message = slices.Delete(message, at, at+1)
			case "twice":
				message = append(message, message...)
			}
		}
		checkAgainstProtobuf(t, schema, message)
	})
}

// FuzzUserRecords fuzzes the message and then seals it. Otherwise nearly every input would fail at the
// checksum.
func FuzzUserRecords(f *testing.F) {
	schema := schema()
	f.Add(message(realistic(3)...))
	f.Add(message(kpl.UserRecord{PartitionKey: "ada", ExplicitHashKey: "42"}))
	tables := tables{}
	f.Add(slices.Concat(tables.records(realistic(2), func() []byte { return tag("tag") }), tables.fields()))
	for _, field := range unknown {
		f.Add(slices.Concat(field, message(realistic(1)...)))
	}
	f.Add([]byte("\x0a\x00\x1a\x02\x08\x00"))
	f.Fuzz(func(t *testing.T, message []byte) {
		checkAgainstProtobuf(t, schema, message)
		_, _, _ = kpl.UserRecords(append([]byte(magic), message...))
	})
}
