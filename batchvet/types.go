package batchvet

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/types/typeutil"
)

// Recognising the types and functions of package batch. Streams are recognised by
// their structure, because Stream is an alias and programs give it other names.

const (
	batchPath  = "github.com/lambdabatch/batch"
	eventsPath = "github.com/aws/aws-lambda-go/events"
	lambdaPath = "github.com/aws/aws-lambda-go/lambda"
	loPath     = "github.com/samber/lo/it"
)

func isNamed(t types.Type, path string, names ...string) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != path {
		return false
	}
	for _, name := range names {
		if named.Obj().Name() == name {
			return true
		}
	}
	return false
}

func isResult(t types.Type) bool  { return isNamed(t, batchPath, "Result") }
func isContext(t types.Type) bool { return isNamed(t, "context", "Context") }

// isStream reports whether t is func(yield func(batch.Result[T]) bool).
func isStream(t types.Type) bool {
	stream := signature(t)
	if stream == nil || stream.Params().Len() != 1 || stream.Results().Len() != 0 {
		return false
	}
	yield := signature(stream.Params().At(0).Type())
	return yield != nil && yield.Params().Len() == 1 && yield.Results().Len() == 1 &&
		isResult(yield.Params().At(0).Type()) && types.Identical(yield.Results().At(0).Type(), types.Typ[types.Bool])
}

// hasStream reports whether t is a stream, or one of several results that t stands for is.
func hasStream(t types.Type) bool {
	results, ok := t.(*types.Tuple)
	if !ok {
		return isStream(t)
	}
	for result := range results.Variables() {
		if isStream(result.Type()) {
			return true
		}
	}
	return false
}

// isStage reports whether t is a function that returns a stream and has a parameter that is
// one.
func isStage(t types.Type) bool {
	f := signature(t)
	return f != nil && f.Results().Len() == 1 && isStream(f.Results().At(0).Type()) && hasParam(f, isStream)
}

// isBatchEvent reports whether t is an event for which package batch has a source.
func isBatchEvent(t types.Type) bool {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	return isNamed(t, eventsPath, "SQSEvent", "KinesisEvent", "KinesisTimeWindowEvent",
		"DynamoDBEvent", "DynamoDBTimeWindowEvent", "KafkaEvent", "KinesisFirehoseEvent")
}

func signature(t types.Type) *types.Signature {
	if t == nil {
		return nil
	}
	f, _ := t.Underlying().(*types.Signature)
	return f
}

func hasParam(f *types.Signature, kind func(types.Type) bool) bool {
	for p := range f.Params().Variables() {
		if kind(p.Type()) {
			return true
		}
	}
	return false
}

func hasResult(f *types.Signature, kind func(types.Type) bool) bool {
	for r := range f.Results().Variables() {
		if kind(r.Type()) {
			return true
		}
	}
	return false
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// isFunc reports whether f is a function or method of the package at path. If names
// are given, it must have one of them.
func isFunc(f types.Object, path string, names ...string) bool {
	fn, ok := f.(*types.Func)
	if !ok || fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != path {
		return false
	}
	for _, name := range names {
		if fn.Name() == name {
			return true
		}
	}
	return len(names) == 0
}

func (c checker) callee(call *ast.CallExpr) types.Object {
	return typeutil.Callee(c.TypesInfo, call)
}

// callName returns the called function as the source writes it, without type arguments.
func (c checker) callName(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	switch f := fun.(type) {
	case *ast.IndexExpr:
		fun = f.X
	case *ast.IndexListExpr:
		fun = f.X
	case *ast.FuncLit:
		return "this function"
	}
	name := types.ExprString(fun)
	if strings.ContainsAny(name, "({") { // it calls the result of another call
		return "this call"
	}
	return name
}
