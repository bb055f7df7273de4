// Command media grants uploads and downloads of attachments, and sweeps those that
// no message points to. The bytes go between devices and the store.
package main

import (
	"context"
	"log/slog"
	"time"

	"designkits/cases/messaging/adapters/httpapi"
	"designkits/cases/messaging/adapters/redis"
	"designkits/cases/messaging/adapters/s3"
	"designkits/cases/messaging/identity"
	"designkits/cases/messaging/media"
	"designkits/shared/service"
)

func main() { service.Main("media", run) }

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	// The store must be there at the start; what is away later is said by readyz.
	store, err := s3.Open(ctx, s3.Config{URL: cfg.S3, Blobs: cfg.Blobs, Namespace: cfg.Namespace, Origins: cfg.Origins})
	if err != nil {
		return err
	}
	s.OnClose(store.Close)
	s.Ready("s3", store.Ping)
	client := redis.Open(cfg.Redis, cfg.Namespace)
	s.OnClose(client.Close)
	s.Ready("redis", client.Ping)

	api, err := httpapi.NewMedia(httpapi.MediaConfig{
		Config: httpapi.Config{
			Tokens:   identity.Tokens{Secret: []byte(cfg.TokenSecret), Now: time.Now},
			SignOuts: client.SignOuts(s.Log), Attempts: client.Attempts(), Counter: client, Limits: httpapi.UsualLimits,
			Trusted: cfg.TrustedProxies, Origins: cfg.Origins, Log: s.Log, Metrics: s.Metrics,
		},
		Store: store, Grants: media.Grants{Secret: []byte(cfg.GrantSecret), Now: time.Now},
	})
	if err != nil {
		return err
	}
	s.Go("sweep orphans", func(ctx context.Context) error { return sweep(ctx, store, cfg.SweepEvery, s.Log) })
	return s.Serve(ctx, cfg.Listen, api.Handler())
}

// sweep drops what has expired, now and then; what fails is tried again the next time.
func sweep(ctx context.Context, store media.Store, every time.Duration, log *slog.Logger) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		uploads, blobs, err := store.Sweep(ctx, time.Now())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			log.Warn("orphans can't be swept", "error", err.Error())
		case uploads+blobs > 0:
			log.Info("swept", "uploads", uploads, "blobs", blobs)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
