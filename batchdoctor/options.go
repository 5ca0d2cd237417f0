package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

type options struct {
	strict   bool
	json     bool
	github   bool
	plan     string
	live     bool
	function string
	files    []string
}

var (
	errNothing  = errors.New("no template to check")
	errFunction = errors.New("-live and -function need each other")
	errBoth     = errors.New("-json and -github exclude each other")
)

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("batchdoctor", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: batchdoctor [flags] [template...]")
		flags.PrintDefaults()
	}
	flags.StringVar(&o.plan, "terraform", "", "check a plan or a state that terraform show -json printed to this `file`")
	flags.BoolVar(&o.live, "live", false, "ask AWS how the function given by -function is deployed")
	flags.StringVar(&o.function, "function", "", "the `name` or ARN of the function that -live checks")
	flags.BoolVar(&o.strict, "strict", false, "exit with status 1 for warnings, too")
	flags.BoolVar(&o.json, "json", false, "print a JSON array of the findings")
	flags.BoolVar(&o.github, "github", false, "print workflow commands of GitHub Actions")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.files = flags.Args()
	if err := o.check(); err != nil {
		fmt.Fprintln(stderr, "batchdoctor:", err)
		flags.Usage()
		return o, err
	}
	return o, nil
}

func (o options) check() error {
	switch {
	case o.live != (o.function != ""):
		return errFunction
	case len(o.files) == 0 && o.plan == "" && !o.live:
		return errNothing
	case o.json && o.github:
		return errBoth
	}
	return nil
}
