package terraform

import (
	"encoding/json"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// deadLetterBlocks are the paths of the attributes in blocks that name a dead-letter queue.
var deadLetterBlocks = [][]string{
	{"dead_letter_config", "target_arn"},                    // of a function
	{"dead_letter_config", "arn"},                           // of a target of a rule, or an event bus
	{"target", "dead_letter_config", "arn"},                 // of a schedule
	{"destination_config", "on_failure", "destination_arn"}, // of a mapping
	{"destination_config", "on_failure", "destination"},     // of an event invoke config
}

// findDeadLetters returns the queues to which other resources send what they give up.
func (p *plan) findDeadLetters() map[*resource]bool {
	found := make(map[*resource]bool)
	for _, r := range p.resources {
		queues := p.policyTargets(r)
		for _, path := range deadLetterBlocks {
			queues = append(queues, p.blockTargets(r, path)...)
		}
		for _, queue := range queues {
			found[queue] = true
		}
	}
	return found
}

// policyTargets returns the queues that may be the target of a redrive policy: of a queue, of a
// subscription or a resource of its own.
func (p *plan) policyTargets(r *resource) []*resource {
	policy := r.attribute("redrive_policy")
	if policy.reason != "" {
		return referred(r.scope(), r.written("redrive_policy"), isQueue)
	}
	fields, _ := policyFields(policy)
	arn, _ := fields["deadLetterTargetArn"].(string)
	return p.queuesAt(arn)
}

// policyFields decodes a redrive policy that is known.
func policyFields(policy value) (fields map[string]any, ok bool) {
	text, _ := policy.known.(string)
	err := json.Unmarshal([]byte(text), &fields)
	return fields, err == nil
}

// blockTargets returns the queues that the attribute at the end of a path of blocks may name.
func (p *plan) blockTargets(r *resource, path []string) []*resource {
	name := path[0]
	known, written := block(r.nested(name).known), block(r.written(name).json)
	for _, name = range path[1 : len(path)-1] {
		known, written = block(known[name]), block(written[name])
	}
	name = path[len(path)-1]
	if target, decided := known[name]; decided {
		arn, _ := target.(string)
		return p.queuesAt(arn)
	}
	return referred(r.scope(), newExpression(written[name]), isQueue)
}

// queuesAt returns the queues that may have the ARN.
func (p *plan) queuesAt(arn string) []*resource {
	if r := p.byARN[arn]; r != nil && isQueue(r) {
		return []*resource{r}
	}
	if kind, _ := kindByARN(arn); kind != diagnosis.SQS {
		return nil
	}
	var candidates []*resource
	for _, r := range p.queues[resourceName(arn)] {
		if mayHaveARN(r, arn) { // a queue of that name may be in another account or region
			candidates = append(candidates, r)
		}
	}
	return candidates
}

func (p *plan) deadLetters(queue *resource) diagnosis.Setting[bool] {
	if p.dead[queue] {
		return diagnosis.Known(true)
	}
	return diagnosis.Unset[bool]()
}
