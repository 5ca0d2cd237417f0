package wire

import (
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
)

var dynamodb = source[events.DynamoDBEventRecord]{
	event:        "a DynamoDB event",
	eventSources: []string{"aws:dynamodb"},
	opening:      '[',
	records:      readList[events.DynamoDBEventRecord],
	members: []member[events.DynamoDBEventRecord]{
		{"eventID", func(r *reader, d *events.DynamoDBEventRecord) { r.metaString(&d.EventID, "eventID") }},
		{"eventName", func(r *reader, d *events.DynamoDBEventRecord) { r.shared(&d.EventName) }},
		{"eventVersion", func(r *reader, d *events.DynamoDBEventRecord) { r.metaShared(&d.EventVersion, "eventVersion") }},
		{"eventSource", func(r *reader, d *events.DynamoDBEventRecord) { r.source(&d.EventSource) }},
		{"awsRegion", func(r *reader, d *events.DynamoDBEventRecord) { r.metaShared(&d.AWSRegion, "awsRegion") }},
		{"dynamodb", func(r *reader, d *events.DynamoDBEventRecord) {
			r.groupObject()
			object(r, changeMembers, &d.Change)
		}},
		{"eventSourceARN", func(r *reader, d *events.DynamoDBEventRecord) { r.shared(&d.EventSourceArn) }},
		{"userIdentity", func(r *reader, d *events.DynamoDBEventRecord) { r.userIdentity(&d.UserIdentity) }},
	},
}

var changeMembers = []member[events.DynamoDBStreamRecord]{
	{"ApproximateCreationDateTime", func(r *reader, c *events.DynamoDBStreamRecord) {
		r.metaSeconds(&c.ApproximateCreationDateTime, "dynamodb.ApproximateCreationDateTime")
	}},
	{"Keys", func(r *reader, c *events.DynamoDBStreamRecord) { r.keys(&c.Keys) }},
	{"NewImage", func(r *reader, c *events.DynamoDBStreamRecord) { r.image(&c.NewImage) }},
	{"OldImage", func(r *reader, c *events.DynamoDBStreamRecord) { r.image(&c.OldImage) }},
	{"SequenceNumber", func(r *reader, c *events.DynamoDBStreamRecord) { r.string(&c.SequenceNumber) }},
	{"SizeBytes", func(r *reader, c *events.DynamoDBStreamRecord) { r.metaInteger(&c.SizeBytes, "dynamodb.SizeBytes") }},
	{"StreamViewType", func(r *reader, c *events.DynamoDBStreamRecord) {
		r.metaShared(&c.StreamViewType, "dynamodb.StreamViewType")
	}},
}

var userIdentityMembers = []member[events.DynamoDBUserIdentity]{
	{"type", func(r *reader, u *events.DynamoDBUserIdentity) { r.metaShared(&u.Type, "userIdentity.type") }},
	{"principalId", func(r *reader, u *events.DynamoDBUserIdentity) {
		r.metaShared(&u.PrincipalID, "userIdentity.principalId")
	}},
}

func (r *reader) userIdentity(to **events.DynamoDBUserIdentity) {
	if r.peek() == 'n' {
		*to = nil
	}
	if !r.metaObject("userIdentity") {
		return
	}
	if *to == nil {
		*to = new(events.DynamoDBUserIdentity)
	}
	object(r, userIdentityMembers, *to)
}

func (r *reader) image(to *map[string]events.DynamoDBAttributeValue) {
	if r.peek() == 'n' {
		*to = nil
	}
	if r.open('{') {
		*to = r.attributeMap(*to, 0)
	}
}

// keys reads the key of the item, which is the group of the record. The record may already have another fault.
func (r *reader) keys(to *map[string]events.DynamoDBAttributeValue) {
	fault, at := r.fault, r.faultAt
	r.fault = nil
	r.image(to)
	r.groupUnread = r.groupUnread || r.fault != nil
	if fault != nil {
		r.fault, r.faultAt = fault, at
	}
}

// maxDepth bounds the recursion. DynamoDB itself allows 32 levels.
const maxDepth = 1000

var (
	errTypes  = errors.New("want a value of one DynamoDB type")
	errNested = errors.New("nested too deeply")
)

type namedAttribute struct {
	name  string
	value events.DynamoDBAttributeValue
}

// attributeMap reads the members of an object into m, or into a new map of the right size if m is nil.
func (r *reader) attributeMap(m map[string]events.DynamoDBAttributeValue, depth int) map[string]events.DynamoDBAttributeValue {
	mark := len(r.attributes)
	for first := true; ; first = false {
		name, ok := r.member(first)
		if !ok {
			break
		}
		key := r.share(name)
		if v, ok := r.attribute(depth + 1); ok {
			r.attributes = append(r.attributes, namedAttribute{key, v})
		}
	}
	if m == nil {
		m = make(map[string]events.DynamoDBAttributeValue, len(r.attributes)-mark)
	}
	for _, it := range r.attributes[mark:] {
		m[it.name] = it.value
	}
	clear(r.attributes[mark:])
	r.attributes = r.attributes[:mark]
	return m
}

// attribute reads a value in DynamoDB's typed form, such as {"S":"text"}. Any problem within it is noted as one of
// the whole value.
func (r *reader) attribute(depth int) (v events.DynamoDBAttributeValue, ok bool) {
	if r.peek() != '{' {
		r.mismatch("an object")
		return v, false
	}
	at := r.pos
	if depth > maxDepth {
		r.skip()
		r.bad(at, errNested)
		return v, false
	}
	r.pos++
	name, ok := r.member(true)
	if !ok {
		r.bad(at, errTypes)
		return v, false
	}
	v, err := r.typedValue(name, depth)
	for {
		if _, more := r.member(false); !more {
			break
		}
		r.skip()
		err = errTypes
	}
	if err != nil {
		r.bad(at, err)
		return v, false
	}
	return v, true
}

func (r *reader) typedValue(name []byte, depth int) (v events.DynamoDBAttributeValue, err error) {
	switch string(name) {
	case "S":
		text, err := r.strictText()
		return events.NewStringAttribute(r.copyText(text)), err
	case "N":
		text, err := r.strictText()
		return events.NewNumberAttribute(r.copyText(text)), err
	case "BOOL":
		switch r.peek() {
		case 't':
			r.literal("true")
			return events.NewBooleanAttribute(true), nil
		case 'f':
			r.literal("false")
			return events.NewBooleanAttribute(false), nil
		}
		return v, r.wrongType("a boolean")
	case "NULL":
		r.skip()
		return events.NewNullAttribute(), nil
	case "B":
		data, err := r.strictBinary()
		return events.NewBinaryAttribute(data), err
	case "SS":
		set, err := set(r, r.strictString)
		return events.NewStringSetAttribute(set), err
	case "NS":
		set, err := set(r, r.strictString)
		return events.NewNumberSetAttribute(set), err
	case "BS":
		set, err := set(r, r.strictBinary)
		return events.NewBinarySetAttribute(set), err
	case "L":
		if r.peek() != '[' {
			return v, r.wrongType("an array")
		}
		r.pos++
		values := []events.DynamoDBAttributeValue{}
		for first := true; r.element(first); first = false {
			if v, ok := r.attribute(depth + 1); ok {
				values = append(values, v)
			}
		}
		return events.NewListAttribute(values), nil
	case "M":
		if r.peek() != '{' {
			return v, r.wrongType("an object")
		}
		r.pos++
		return events.NewMapAttribute(r.attributeMap(nil, depth)), nil
	}
	err = fmt.Errorf("unknown DynamoDB type %s", quote(string(name)))
	r.skip()
	return v, err
}

// wrongType skips the next value and returns the error that it has the wrong type.
func (r *reader) wrongType(want string) error {
	got := r.peek()
	r.skip()
	return fmt.Errorf("want %s, got %s", want, kind(got))
}

// strictText reads the text of a string. Unlike stringText it rejects null.
func (r *reader) strictText() ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.wrongType("a string")
	}
	return r.text(), nil
}

func (r *reader) strictString() (string, error) {
	text, err := r.strictText()
	return r.copyText(text), err
}

func (r *reader) strictBinary() ([]byte, error) {
	text, err := r.strictText()
	if err != nil {
		return nil, err
	}
	return r.decode(text)
}

// set reads every element of an array, and returns the first error among them.
func set[E any](r *reader, read func() (E, error)) ([]E, error) {
	if r.peek() != '[' {
		return nil, r.wrongType("an array")
	}
	r.pos++
	set := []E{}
	var problem error
	for first := true; r.element(first); first = false {
		e, err := read()
		if problem == nil {
			problem = err
		}
		set = append(set, e)
	}
	return set, problem
}
