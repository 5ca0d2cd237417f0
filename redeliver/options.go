package redeliver

import "log/slog"

// An Option changes what [After] does by default.
type Option func(*config)

type config struct {
	url      string // "": that of the messages' queue
	logger   *slog.Logger
	logGiven bool
}

func configOf(opts []Option) config {
	var c config
	for _, option := range opts {
		require(option != nil, "Option", "it is nil")
		option(&c)
	}
	return c
}

// WithQueueURL names the queue. Without it the URL is made of the ARN in each message, as AWS forms it. A server
// for tests, or a partition of AWS that is newer than this package, may need it.
//
// The SDK sends requests to the endpoint of its client, whatever the URL says: the URL only names the queue. An
// endpoint of a VPC or of a test server is set at the client.
func WithQueueURL(url string) Option {
	require(url != "", "WithQueueURL", "url is empty")
	return func(c *config) { c.url = url }
}

// WithLogger sets the logger for messages whose visibility could not be changed: a line per message or call, up to
// sixteen of a kind, and the number of the others. The default is what [slog.Default] is at the time. Nil is silence.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) { c.logger, c.logGiven = l, true }
}

// loggerNow asks for the default logger only when it is needed: the program may have changed it.
func (c config) loggerNow() *slog.Logger {
	if c.logGiven {
		return c.logger
	}
	return slog.Default()
}
