package template

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseYAML returns the first document that is not empty.
func parseYAML(content []byte) (*node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		switch err := decoder.Decode(&document); {
		case errors.Is(err, io.EOF):
			return &node{}, nil
		case err != nil:
			return nil, err
		}
		c := converter{done: make(map[*yaml.Node]*node), merges: maxMerges}
		n, err := c.convert(&document)
		if err != nil || n.kind != null {
			return n, err
		}
	}
}

const maxMerges = 1_000_000

var (
	errOwnAlias = errors.New("an alias refers to the node that contains it")
	errMerges   = errors.New("too many merged keys")
)

// A converter makes nodes of YAML nodes. An alias becomes the node that it refers to, so it
// costs nothing; merge keys are copied, so their number is limited.
type converter struct {
	done   map[*yaml.Node]*node // nil while the node is being converted
	merges int
}

func (c *converter) convert(y *yaml.Node) (*node, error) {
	if n, seen := c.done[y]; seen {
		if n == nil {
			return nil, fmt.Errorf("line %d: %w", y.Line, errOwnAlias)
		}
		return n, nil
	}
	c.done[y] = nil
	n, err := c.convertNew(y)
	if err != nil {
		return nil, err
	}
	n = tagged(y, n)
	c.done[y] = n
	return n, nil
}

func (c *converter) convertNew(y *yaml.Node) (*node, error) {
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) > 0 {
			return c.convert(y.Content[0])
		}
	case yaml.AliasNode:
		if y.Alias != nil {
			return c.convert(y.Alias)
		}
	case yaml.ScalarNode:
		if y.ShortTag() != "!!null" {
			return newText(y.Value, y.Line), nil
		}
	case yaml.SequenceNode:
		return c.convertList(y)
	case yaml.MappingNode:
		return c.convertObject(y)
	}
	return &node{line: y.Line}, nil
}

func (c *converter) convertList(y *yaml.Node) (*node, error) {
	n := &node{kind: list, line: y.Line}
	for _, content := range y.Content {
		item, err := c.convert(content)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	return n, nil
}

func (c *converter) convertObject(y *yaml.Node) (*node, error) {
	var merged, own []field
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, err := c.convert(y.Content[i])
		if err != nil {
			return nil, err
		}
		value, err := c.convert(y.Content[i+1])
		if err != nil {
			return nil, err
		}
		if y.Content[i].ShortTag() != "!!merge" {
			own = append(own, field{key.text, key.line, value})
		} else if merged, err = c.merge(merged, value); err != nil {
			return nil, fmt.Errorf("line %d: %w", y.Line, err)
		}
	}
	return &node{kind: object, fields: append(merged, own...), line: y.Line}, nil
}

// merge adds the fields of an object, or of a list of objects of which the first is the
// strongest, so it comes last.
func (c *converter) merge(merged []field, value *node) ([]field, error) {
	objects := value.items
	if value.kind == object {
		objects = []*node{value}
	}
	for i := len(objects) - 1; i >= 0; i-- {
		if c.merges -= len(objects[i].fields); c.merges < 0 {
			return nil, errMerges
		}
		merged = append(merged, objects[i].fields...)
	}
	return merged, nil
}

// tagged writes the short form of a function as an object.
func tagged(y *yaml.Node, n *node) *node {
	name, short := strings.CutPrefix(y.Tag, "!")
	if !short || name == "" || strings.HasPrefix(name, "!") {
		return n
	}
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	return &node{kind: object, fields: []field{{name, n.line, n}}, line: n.line}
}
