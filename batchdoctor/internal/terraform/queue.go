package terraform

import (
	"cmp"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func (p *plan) sourceAt(r *resource) diagnosis.Source {
	kind, _ := kindByType(r.Type)
	s := diagnosis.Source{Resource: r.described(), Kind: kind}
	switch {
	case kind != diagnosis.SQS:
	case r.Mode == dataMode:
		s.Queue = unknownQueue(r.text("name"), "is unknown, because a data source does not contain it")
	default:
		s.Queue = diagnosis.Queue{
			FIFO:              fifo(r),
			VisibilityTimeout: number(r.attribute("visibility_timeout_seconds")),
			MaxReceiveCount:   p.maxReceiveCount(r),
			DeadLetters:       p.deadLetters(r),
		}
	}
	return s
}

func fifo(queue *resource) diagnosis.Setting[bool] {
	if strings.HasSuffix(queue.text("name"), ".fifo") {
		return diagnosis.Known(true)
	}
	return boolean(queue.attribute("fifo_queue"))
}

// unknownQueue returns a queue of which only the name is known, or "".
func unknownQueue(name, reason string) diagnosis.Queue {
	fifo := diagnosis.Unknown[bool](reason)
	if name != "" {
		fifo = diagnosis.Known(strings.HasSuffix(name, ".fifo"))
	}
	return diagnosis.Queue{
		FIFO:              fifo,
		VisibilityTimeout: diagnosis.Unknown[int](reason),
		MaxReceiveCount:   diagnosis.Unknown[int](reason),
	}
}

func sourceElsewhere(mapping *resource, arn, unread string) diagnosis.Source {
	kind, known := kindByARN(arn)
	if !known {
		kind = kindByArguments(mapping)
	}
	name := resourceName(arn)
	if all := mapping.written("event_source_arn").references; arn == "" && len(all) > 0 {
		name = all[0]
	}
	s := diagnosis.Source{Resource: elsewhere(cmp.Or(name, arn)), Kind: kind}
	if kind == diagnosis.SQS {
		reason := "is unknown, because the file does not contain the queue"
		if unread != "" {
			reason = "is unknown, because the queue's ARN " + unread
		}
		s.Queue = unknownQueue(resourceName(arn), reason)
	}
	return s
}

func ambiguousSource(mapping *resource, candidates []*resource) diagnosis.Source {
	var names []string
	kind, _ := kindByType(candidates[0].Type)
	for _, r := range candidates {
		names = append(names, r.Address)
		if other, _ := kindByType(r.Type); other != kind {
			kind = kindByArguments(mapping)
		}
	}
	s := diagnosis.Source{Resource: elsewhere(oneOf(names)), Kind: kind}
	if kind == diagnosis.SQS {
		s.Queue = unknownQueue("", "is unknown, because the queue may be "+oneOf(names))
	}
	return s
}

func oneOf(names []string) string {
	if len(names) > 3 {
		names = append(names[:2:2], "another one")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// redrives are the redrive policies that are resources of their own.
type redrives struct {
	of     map[*resource]*resource // by queue
	strays []*resource             // of an unknown queue
}

func (p *plan) findRedrives() redrives {
	found := redrives{of: make(map[*resource]*resource)}
	byURL := make(map[string]*resource)
	for _, r := range p.resources {
		if url := cmp.Or(r.text("url"), r.text("id")); r.Type == queueType && url != "" {
			byURL[url] = r
		}
	}
	for _, r := range p.resources {
		if r.Type != redriveType {
			continue
		}
		url := r.text("queue_url")
		queues := referred(r.scope(), r.written("queue_url"), isQueue)
		switch {
		case byURL[url] != nil:
			found.of[byURL[url]] = r
		case len(queues) == 1:
			found.of[queues[0]] = r
		case url == "":
			found.strays = append(found.strays, r)
		}
	}
	return found
}

func isQueue(r *resource) bool { return r.Type == queueType }

const maxReceiveCountDefault = 10

func (p *plan) maxReceiveCount(queue *resource) diagnosis.Setting[int] {
	policy := queue.attribute("redrive_policy")
	if separate := p.redrives.of[queue]; separate != nil && isEmpty(policy) {
		policy = separate.attribute("redrive_policy")
	}
	switch {
	case policy.reason != "":
		return diagnosis.Unknown[int]("is in a redrive policy that " + policy.reason)
	case isEmpty(policy) && len(p.redrives.strays) > 0:
		return diagnosis.Unknown[int]("may be in " + p.redrives.strays[0].Address + ", whose queue_url is known only after apply")
	case isEmpty(policy):
		return diagnosis.Unset[int]()
	}
	fields, ok := policyFields(policy)
	if !ok {
		return diagnosis.Unknown[int]("is in a redrive policy that is not a JSON object")
	}
	return number(value{known: fields["maxReceiveCount"]}).Or(maxReceiveCountDefault)
}

// isEmpty reports whether a policy is unset: AWS returns a queue without one with an empty text.
func isEmpty(policy value) bool { return policy.isUnset() || policy.known == "" }
