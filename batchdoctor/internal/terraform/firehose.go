package terraform

import (
	"maps"
	"slices"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// transformations translates the Lambda processors of a Firehose stream. Each kind of
// destination has its own block, and only one of them is set.
func (p *plan) transformations(r *resource) ([]diagnosis.Transformation, []diagnosis.Gap) {
	var all []diagnosis.Transformation
	var gaps []diagnosis.Gap
	for _, name := range destinationsOf(r) {
		destination := r.nested(name)
		written := block(block(r.written(name).json)["processing_configuration"])
		processing, known := block(destination.known)["processing_configuration"]
		_, processorsKnown := block(processing)["processors"]
		switch {
		case destination.isUnset() || isDisabled(block(processing)):
		case destination.reason != "", !known && written != nil, block(processing) != nil && !processorsKnown:
			gaps = append(gaps, diagnosis.Gap{Resource: r.described(), Reason: "has a processing_configuration that " + afterApply})
		default:
			all = append(all, p.processors(r, blocks(block(processing)["processors"]), written)...)
		}
	}
	return all, gaps
}

// isDisabled reports whether processing is known to be disabled. The provider does that if enabled is not set.
func isDisabled(processing map[string]any) bool {
	enabled, known := processing["enabled"] // null if it is not set
	return known && enabled != true
}

// destinationsOf returns the names of the blocks that may be a destination.
func destinationsOf(r *resource) []string {
	names := slices.Collect(maps.Keys(r.Values))
	if r.declaration != nil {
		names = slices.AppendSeq(names, maps.Keys(r.declaration.Expressions))
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return !strings.HasSuffix(name, "_configuration") })
}

func (p *plan) processors(r *resource, processors []map[string]any, written map[string]any) []diagnosis.Transformation {
	var all []diagnosis.Transformation
	for _, processor := range processors {
		if processor["type"] != "Lambda" {
			continue
		}
		parameters := parametersOf(processor)
		lambda, _ := parameters["LambdaArn"].known.(string)
		all = append(all, diagnosis.Transformation{
			Resource:   r.described(),
			Function:   p.function(functionReference{r.scope(), lambda, lambdaExpression(written)}),
			BufferSize: decimal(parameters["BufferSizeInMBs"]),
		})
	}
	return all
}

// parametersOf returns the parameters of a processor by name. Unknown values are left out.
func parametersOf(processor map[string]any) map[string]value {
	all := make(map[string]value)
	for _, parameter := range blocks(processor["parameters"]) {
		name, _ := parameter["parameter_name"].(string)
		v := value{known: parameter["parameter_value"]}
		if v.known == nil {
			v.reason = afterApply
		}
		all[name] = v
	}
	return all
}

// lambdaExpression returns the expression of the LambdaArn. The order of the parameters differs
// from that of the values, which are a set.
func lambdaExpression(processing map[string]any) expression {
	for _, processor := range blocks(processing["processors"]) {
		for _, parameter := range blocks(processor["parameters"]) {
			name, _ := parameter["parameter_name"].(map[string]any)
			if name["constant_value"] == "LambdaArn" {
				return newExpression(parameter["parameter_value"])
			}
		}
	}
	return expression{}
}
