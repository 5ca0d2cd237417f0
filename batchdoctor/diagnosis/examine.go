package diagnosis

// A Checkup is what the rules say about one mapping or transformation.
type Checkup struct {
	Source   string
	Function string
	Passed   []Rule
	Findings []Finding
}

// Examine applies every rule to every mapping and transformation of the deployment.
func Examine(d Deployment) []Checkup {
	return nil
}
