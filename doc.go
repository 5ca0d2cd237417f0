// Package batch builds AWS Lambda batch handlers out of small composable stages.
package batch
