package main

import (
	"context"
	"io"
	"os"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/live"
	"github.com/lambdabatch/batch/batchdoctor/internal/template"
	"github.com/lambdabatch/batch/batchdoctor/internal/terraform"
)

// read reads everything that the options name.
func (o options) read(ctx context.Context, stdin io.Reader) ([]diagnosis.Deployment, error) {
	var reads []func() (diagnosis.Deployment, error)
	for _, file := range o.files {
		reads = append(reads, func() (diagnosis.Deployment, error) { return readFile(file, stdin, template.Read) })
	}
	if o.plan != "" {
		reads = append(reads, func() (diagnosis.Deployment, error) { return readFile(o.plan, stdin, terraform.Read) })
	}
	if o.live {
		reads = append(reads, func() (diagnosis.Deployment, error) { return readLive(ctx, o.function) })
	}
	var deployments []diagnosis.Deployment
	for _, read := range reads {
		deployment, err := read()
		if err != nil {
			return nil, err
		}
		deployments = append(deployments, deployment)
	}
	return deployments, nil
}

func readFile(file string, stdin io.Reader, read func(string, []byte) (diagnosis.Deployment, error)) (diagnosis.Deployment, error) {
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

func readLive(ctx context.Context, function string) (diagnosis.Deployment, error) {
	account, err := live.Connect(ctx)
	if err != nil {
		return diagnosis.Deployment{}, err
	}
	return account.Read(ctx, function)
}
