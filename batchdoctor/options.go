package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/template"
	"github.com/lambdabatch/batch/batchdoctor/internal/terraform"
)

type options struct {
	strict bool
	json   bool
	github bool
	plan   string
	files  []string
}

var (
	errNothing = errors.New("no template to check")
	errBoth    = errors.New("-json and -github exclude each other")
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
	case len(o.files) == 0 && o.plan == "":
		return errNothing
	case o.json && o.github:
		return errBoth
	}
	return nil
}

// read reads everything that the options name.
func (o options) read(stdin io.Reader) ([]diagnosis.Deployment, error) {
	var deployments []diagnosis.Deployment
	for _, file := range o.files {
		deployment, err := readFile(file, stdin, template.Read)
		if err != nil {
			return nil, err
		}
		deployments = append(deployments, deployment)
	}
	if o.plan != "" {
		deployment, err := readFile(o.plan, stdin, terraform.Read)
		if err != nil {
			return nil, err
		}
		deployments = append(deployments, deployment)
	}
	return deployments, nil
}

type reader func(file string, content []byte) (diagnosis.Deployment, error)

func readFile(file string, stdin io.Reader, read reader) (diagnosis.Deployment, error) {
	name, content, err := contentOf(file, stdin)
	if err != nil {
		return diagnosis.Deployment{}, err
	}
	return read(name, content)
}

// contentOf reads a file, and names it for a person.
func contentOf(file string, stdin io.Reader) (name string, content []byte, err error) {
	if file == "-" {
		content, err = io.ReadAll(stdin)
		return "standard input", content, err
	}
	content, err = os.ReadFile(file)
	return file, content, err
}
