package redis

import (
	"context"

	"github.com/redis/go-redis/v9"

	"designkits/shared/gather"
)

// pipelined gathers the commands of many callers into pipelines. The driver has
// the like (AutoPipeline), but there a command that waits doesn't end with its
// context, and these must.
//
// There is one lane: Redis is one thread, so what goes beside a pipeline isn't
// faster, only the pipelines are shorter, and each costs a system call at both ends.
func pipelined(client *redis.Client) *gather.Gatherer[redis.Cmder] {
	return gather.New(gather.Config[redis.Cmder]{Send: func(ctx context.Context, batch []redis.Cmder) error {
		pipe := client.Pipeline()
		for _, command := range batch {
			_ = pipe.Process(ctx, command) // it is only queued
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
		return nil
	}})
}

// Together runs a command together with those of others. The command has its
// result afterwards, but not when the error is the context's.
func (c *Client) Together(ctx context.Context, command redis.Cmder) error {
	if err := c.together.Do(ctx, command); err != nil {
		return err // and the command must not be looked at
	}
	return command.Err()
}

// Script runs a script together with the commands of others.
func (c *Client) Script(ctx context.Context, s *redis.Script, keys []string, args ...any) *redis.Cmd {
	call := make([]any, 0, 3+len(keys)+len(args))
	call = append(call, "evalsha", s.Hash(), len(keys))
	for _, key := range keys {
		call = append(call, key)
	}
	command := redis.NewCmd(ctx, append(call, args...)...)
	if err := c.together.Do(ctx, command); err != nil { // then the command must not be looked at
		command = redis.NewCmd(ctx)
		command.SetErr(err)
		return command
	}
	if redis.HasErrorPrefix(command.Err(), "NOSCRIPT") { // the first call since Redis began
		return s.Eval(ctx, c.Client, keys, args...)
	}
	return command
}
