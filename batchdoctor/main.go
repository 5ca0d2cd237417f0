// Command batchdoctor checks that a deployment is set up for partial-failure responses: the
// event source mappings, their sources and their functions. It reads the templates of
// CloudFormation and SAM, the plans of Terraform, or what is deployed in AWS:
//
//	batchdoctor template.yaml
//	terraform show -json plan.out | batchdoctor -terraform -
//	batchdoctor -live -function orders
//
// A single dash reads the standard input. The exit status is 1 if there is an error, with
// -strict also if there is a warning, and 2 if a file or AWS cannot be read.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/report"
)

const (
	statusGood    = 0
	statusFound   = 1
	statusUnknown = 2 // wrong use, or a file or an account that cannot be read
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return statusGood
	}
	if err != nil {
		return statusUnknown // the flags have printed the error
	}
	deployments, err := o.read(context.Background(), stdin)
	if err != nil {
		fmt.Fprintln(stderr, "batchdoctor:", err)
		return statusUnknown
	}
	var checkups []diagnosis.Checkup
	for _, deployment := range deployments {
		checkups = append(checkups, diagnosis.Examine(deployment)...)
	}
	if err := o.print(stdout, checkups); err != nil {
		fmt.Fprintln(stderr, "batchdoctor:", err)
		return statusUnknown
	}
	return o.status(checkups)
}

func (o options) print(w io.Writer, checkups []diagnosis.Checkup) error {
	switch {
	case o.json:
		return report.JSON(w, checkups)
	case o.github:
		return report.GitHub(w, checkups)
	}
	return report.Text(w, checkups)
}

func (o options) status(checkups []diagnosis.Checkup) int {
	limit := diagnosis.Error
	if o.strict {
		limit = diagnosis.Warning
	}
	grave := func(f diagnosis.Finding) bool { return f.Severity >= limit }
	if slices.ContainsFunc(diagnosis.Findings(checkups), grave) {
		return statusFound
	}
	return statusGood
}
