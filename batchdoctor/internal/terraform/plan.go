package terraform

import (
	"slices"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// A plan is a document whose resources are connected with their configuration.
type plan struct {
	resources []*resource
	byARN     map[string]*resource
	queues    map[string][]*resource // by name
	functions map[string][]*resource // by name
	unknown   map[string]any         // after_unknown, by address
	redrives  redrives
	dead      map[*resource]bool // dead-letter queues
}

// A resource is an instance of a resource or of a data source.
type resource struct {
	Address string         `json:"address"`
	Mode    string         `json:"mode"`
	Type    string         `json:"type"`
	Name    string         `json:"name"`
	Values  map[string]any `json:"values"` // without the unknown ones

	module      *module
	key         string       // of the instance: "", "[0]" or `["a"]`
	unknown     any          // after_unknown: true, or an object
	declaration *declaration // nil in a state
}

const dataMode = "data"

func newPlan(d document, current moduleValues) *plan {
	p := &plan{
		byARN:     make(map[string]*resource),
		queues:    make(map[string][]*resource),
		functions: make(map[string][]*resource),
		unknown:   make(map[string]any),
	}
	for _, change := range d.Changes {
		if change.Deposed == "" { // a deposed object has the address of the one that replaces it
			p.unknown[change.Address] = change.Change.AfterUnknown
		}
	}
	root := newModule("", d.Configuration.Root)
	p.addModule(root, current, func(*resource) bool { return true })
	// Data sources that need not be read again are in the prior state only.
	p.addModule(root, d.Prior.Values.Root, func(r *resource) bool { return r.Mode == dataMode })
	p.redrives = p.findRedrives()
	p.dead = p.findDeadLetters()
	return p
}

func (p *plan) addModule(m *module, v moduleValues, wanted func(*resource) bool) {
	for i := range v.Resources {
		if r := &v.Resources[i]; wanted(r) {
			p.add(m, r)
		}
	}
	for _, child := range v.Children {
		p.addModule(m.instance(child.Address), child, wanted)
	}
}

func (p *plan) add(m *module, r *resource) {
	r.module = m
	r.key = strings.TrimPrefix(r.Address, join(m.address, r.path()))
	r.unknown = p.unknown[r.Address]
	r.declaration = m.declarations[r.path()]
	m.resources[r.path()] = append(m.resources[r.path()], r)
	p.resources = append(p.resources, r)
	for _, name := range []string{"arn", "stream_arn", "qualified_arn"} {
		if arn := r.text(name); arn != "" {
			p.byARN[arn] = r
		}
	}
	switch {
	case r.Type == queueType && r.Mode != dataMode:
		p.queues[r.text("name")] = append(p.queues[r.text("name")], r)
	case r.Type == functionType:
		p.functions[r.text("function_name")] = append(p.functions[r.text("function_name")], r)
	}
}

// path is the address within the module, without the key of the instance.
func (r *resource) path() string {
	if r.Mode == dataMode {
		return "data." + r.Type + "." + r.Name
	}
	return r.Type + "." + r.Name
}

// text returns an attribute that is a known text, or "".
func (r *resource) text(name string) string {
	text, _ := r.Values[name].(string)
	return text
}

func (r *resource) described() diagnosis.Resource {
	d := diagnosis.Resource{Name: r.Address, Format: diagnosis.Terraform}
	if r.Mode != dataMode {
		d.Address = r.Address
	}
	return d
}

// elsewhere describes a resource that the plan does not contain.
func elsewhere(name string) diagnosis.Resource {
	return diagnosis.Resource{Name: name, Format: diagnosis.Terraform}
}

// A module is an instance of a module.
type module struct {
	address      string // "" of the root
	key          string // of the instance
	parent       *module
	config       *configuration // nil in a state
	call         call           // by which the parent makes it
	declarations map[string]*declaration
	resources    map[string][]*resource
	children     map[string][]*module // by name
}

func newModule(address string, config *configuration) *module {
	m := &module{
		address:      address,
		config:       config,
		declarations: make(map[string]*declaration),
		resources:    make(map[string][]*resource),
		children:     make(map[string][]*module),
	}
	if config != nil {
		for i := range config.Resources {
			d := &config.Resources[i]
			like := resource{Mode: d.Mode, Type: d.Type, Name: d.Name}
			m.declarations[like.path()] = d
		}
	}
	return m
}

// instance returns the child module with the address, such as module.m["a"].
func (m *module) instance(address string) *module {
	path := strings.TrimPrefix(address, join(m.address, "module."))
	name, _, _ := strings.Cut(path, "[")
	key := strings.TrimPrefix(path, name)
	isIt := func(child *module) bool { return child.key == key }
	if i := slices.IndexFunc(m.children[name], isIt); i >= 0 {
		return m.children[name][i]
	}
	return m.addChild(name, key)
}

func (m *module) addChild(name, key string) *module {
	var made call
	if m.config != nil {
		made = m.config.Calls[name]
	}
	child := newModule(join(m.address, "module."+name+key), made.Module)
	child.key, child.parent, child.call = key, m, made
	m.children[name] = append(m.children[name], child)
	return child
}

// called returns the instances of a child module. A module without resources has no values,
// but its outputs may refer to those of others.
func (m *module) called(name string) []*module {
	if len(m.children[name]) == 0 && m.config != nil && m.config.Calls[name].Module != nil {
		m.addChild(name, "")
	}
	return m.children[name]
}

func join(module, path string) string {
	if module == "" {
		return path
	}
	return module + "." + path
}
