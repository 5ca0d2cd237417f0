// Package once makes functions idempotent: they do their work once for each key, however often a record with
// that key is delivered.
package once
