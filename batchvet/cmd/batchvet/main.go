// Command batchvet checks programs that use package batch. It runs on its own or with
// go vet:
//
//	batchvet ./...
//	go vet -vettool=$(which batchvet) ./...
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"github.com/lambdabatch/batch/batchvet"
)

func main() { singlechecker.Main(batchvet.Analyzer) }
