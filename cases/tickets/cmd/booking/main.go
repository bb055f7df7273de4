// Command booking is one replica of the sale: it shows the seats as they change,
// holds them for fans, takes their orders, and serves organisers and doors. It
// keeps nothing of its own, so any number of replicas can run.
package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/httpapi"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/program"
	"designkits/cases/tickets/receipt"
	"designkits/cases/tickets/room"
	"designkits/cases/tickets/seatmap"
	"designkits/cases/tickets/ticketcode"
	"designkits/cases/tickets/venue"
	"designkits/cases/tickets/web"
	"designkits/shared/service"
)

func main() { service.Main("booking", run) }

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	return boot(ctx, s, cfg)
}

// boot makes a replica and serves.
func boot(ctx context.Context, s *service.Service, cfg config) error {
	seed, err := hex.DecodeString(cfg.TicketSecret)
	if err != nil {
		return fmt.Errorf("TICKET_SECRET: give 32 random bytes in hexadecimal: %w", err)
	}
	signer, err := ticketcode.NewSigner(seed)
	if err != nil {
		return fmt.Errorf("TICKET_SECRET: %w", err)
	}
	// PostgreSQL must be there at the start; what is away later is said by readyz.
	db, err := postgres.Open(ctx, postgres.Config{Addr: cfg.Postgres, Namespace: cfg.Namespace, Connections: cfg.Pool})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { db.Close(); return nil })
	s.Ready("postgres", db.Ping)
	client := redis.Open(cfg.Redis, cfg.Namespace)
	s.OnClose(client.Close)
	s.Ready("redis", client.Ping)

	claims, err := openClaims(cfg.Claims, db, client)
	if err != nil {
		return fmt.Errorf("CLAIMS: %w", err)
	}
	inbox, err := cfg.Variants.inbox(db)
	if err != nil {
		return err
	}
	moves, err := cfg.Variants.moves(db)
	if err != nil {
		return err
	}
	venues, err := venue.Shipped()
	if err != nil {
		return err
	}
	if cfg.Shipped {
		if err := addShipped(ctx, db.Events(), venues, claims); err != nil {
			return err
		}
	}
	changes := client.Changes(s.Log)
	halls := seatmap.NewHalls(seatmap.HallsConfig{
		Events: db.Events(), Venues: venues, Claims: claims, Changes: changes, Log: s.Log, Lost: claims.restore,
	})
	s.Ready("events", halls.Known)
	announcer := seatmap.NewAnnouncer(changes)
	measure(s.Metrics, announcer)
	told := seatmap.Announce(claims.Claims, func(c seatmap.Change) {
		halls.Apply(c)
		announcer.Announce(c)
	})
	page, err := web.Handler(cfg.FramedBy, s.Log)
	if err != nil {
		return err
	}
	api := httpapi.New(httpapi.Config{
		Halls: halls, Claims: told, Events: db.Events(), Orders: db.Orders(), Tickets: db.Tickets(), Messages: db.Messages(),
		Waitlist: db.Waitlist(), Keys: db.Keys(), Attempts: client.Attempts(), Inbox: inbox, Moves: moves, Signer: signer, Pressure: client.Pressure(),
		Sessions:        identity.Sessions{Secret: []byte(cfg.SessionSecret), Now: time.Now},
		Passes:          room.Passes{Secret: []byte(cfg.PassSecret), Now: time.Now},
		Receipts:        receipt.Receipts{Secret: []byte(cfg.HoldSecret)},
		OrganiserSecret: cfg.OrganiserSecret, DoorSecret: cfg.DoorSecret, WebhookSecret: []byte(cfg.WebhookSecret),
		AddSeats: claims.addSeats, PayFor: cfg.PayFor, Replica: cfg.Replica, Watchers: cfg.Watchers, Page: page,
		Holds: cfg.holds(client.Limits()), Trusted: cfg.TrustedProxies,
		Log: s.Log, Metrics: s.Metrics, Draining: s.Draining(),
	})
	s.Go("follow events and seats", halls.Run)
	s.Go("tell changes of seats", announcer.Run)
	s.Go("tell how long holds take", api.Run)
	return s.Serve(ctx, cfg.Listen, api.Handler())
}

// addShipped adds the events that come with the case where they are missing.
func addShipped(ctx context.Context, events tickets.Events, venues map[string]*venue.Venue, claims decider) error {
	shipped, err := program.Shipped(time.Now())
	if err != nil {
		return err
	}
	for _, e := range shipped {
		if claims.addSeats != nil {
			if err := claims.addSeats(ctx, e.ID, venues[e.Venue].All()); err != nil {
				return err
			}
		}
		if _, err := events.Add(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
