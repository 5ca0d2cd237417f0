package redeliver

import "log/slog"

// An Option changes a default of [After].
type Option func(*config)

type config struct {
	url      string // "": derived from the messages' ARN
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

// WithQueueURL sets the URL of the queue. By default it is derived from the ARN in the messages, in the form
// that AWS uses. Test servers may use another form, and so may AWS partitions that are newer than this package.
//
// The URL only names the queue. The SDK sends requests to its client's endpoint, so configure the endpoint of a
// VPC or of a test server on the client.
//
// WithQueueURL panics if url is empty.
func WithQueueURL(url string) Option {
	require(url != "", "WithQueueURL", "url is empty")
	return func(c *config) { c.url = url }
}

// WithLogger sets the logger for messages whose visibility timeout could not be changed. There is a line per
// message or per call, at most sixteen of each kind, and one line that counts the rest. The default is
// [slog.Default] at the time of the invocation. A nil logger is silent.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) { c.logger, c.logGiven = l, true }
}

// currentLogger looks up the default logger per invocation, because the program may replace it.
func (c config) currentLogger() *slog.Logger {
	if c.logGiven {
		return c.logger
	}
	return slog.Default()
}
