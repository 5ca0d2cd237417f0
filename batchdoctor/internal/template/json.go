package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const maxDepth = 1000

var errDepth = errors.New("nested too deeply")

func parseJSON(content []byte) (*node, error) {
	p := jsonParser{decoder: json.NewDecoder(bytes.NewReader(content)), content: content, line: 1}
	p.decoder.UseNumber()
	n, err := p.value(0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.lineNow(), err)
	}
	return n, nil
}

// A jsonParser counts lines while it decodes.
type jsonParser struct {
	decoder *json.Decoder
	content []byte
	counted int // bytes whose lines are counted
	line    int
}

func (p *jsonParser) value(depth int) (*node, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	line := p.lineNow()
	switch token := token.(type) {
	case nil:
		return &node{line: line}, nil
	case json.Delim:
		if depth == maxDepth {
			return nil, errDepth
		}
		if token == '[' {
			return p.list(line, depth+1)
		}
		return p.object(line, depth+1)
	}
	return newText(fmt.Sprint(token), line), nil
}

func (p *jsonParser) list(line, depth int) (*node, error) {
	n := &node{kind: list, line: line}
	for p.decoder.More() {
		item, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, item)
	}
	_, err := p.decoder.Token()
	return n, err
}

func (p *jsonParser) object(line, depth int) (*node, error) {
	n := &node{kind: object, line: line}
	for p.decoder.More() {
		key, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		value, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		n.fields = append(n.fields, field{key.text, key.line, value})
	}
	_, err := p.decoder.Token()
	return n, err
}

func (p *jsonParser) lineNow() int {
	offset := int(p.decoder.InputOffset())
	p.line += bytes.Count(p.content[p.counted:offset], []byte("\n"))
	p.counted = offset
	return p.line
}
