module github.com/lambdabatch/batch/batchdoctor

go 1.26.0
