// Command gate is the waiting room before a sale: it gives everybody a place,
// makes bots work for it, and lets in as many as booking can serve. What it
// knows is in Redis, so that any number of gates can run and any may be
// restarted; one of them is each event's doorkeeper.
package main

import (
	"context"
	"crypto/rand"
	"time"

	"designkits/cases/tickets"
	"designkits/cases/tickets/adapters/gateapi"
	"designkits/cases/tickets/adapters/postgres"
	"designkits/cases/tickets/adapters/redis"
	"designkits/cases/tickets/bots"
	"designkits/cases/tickets/identity"
	"designkits/cases/tickets/room"
	"designkits/cases/tickets/venue"
	"designkits/shared/service"
)

func main() { service.Main("gate", run) }

func run(ctx context.Context, s *service.Service) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	// Away is what either may be later; at the start PostgreSQL must be there.
	db, err := postgres.Open(ctx, postgres.Config{Addr: cfg.Postgres, Namespace: cfg.Namespace, Connections: 2})
	if err != nil {
		return err
	}
	s.OnClose(func(context.Context) error { db.Close(); return nil })
	store := redis.Open(cfg.Redis, cfg.Namespace)
	s.OnClose(store.Close)
	s.Ready("redis", store.Ping)

	venues, err := venue.Shipped()
	if err != nil {
		return err
	}
	seats := map[string]int{}
	for id, v := range venues {
		seats[id] = len(v.All()) // also the places without a seat
	}
	calendar := &room.Calendar{List: db.Events().List, Sold: db.Sales().Counts, Seats: seats, Now: time.Now, Log: s.Log}
	s.Ready("events", calendar.Ready)
	s.Go("know the events", calendar.Run)
	board := &room.Board{Room: store.Room(), SoldOut: calendar.SoldOut, Now: time.Now, Log: s.Log, Most: cfg.Watchers}
	s.Go("show places", board.Run)
	door := &room.Door{
		Room: store.Room(), Pressure: store.Pressure(), Events: calendar.Events, SoldOut: calendar.SoldOut,
		Keeper: cfg.Replica + " " + rand.Text(), // one that was restarted is another
		Admission: func(tickets.Event) *room.Admission {
			return room.NewAdmission(cfg.AdmitTarget, cfg.AdmitMin, cfg.AdmitMax)
		},
		Now: time.Now, Log: s.Log,
	}
	s.Go("let people in", door.Run)

	api := gateapi.New(gateapi.Config{
		Room: store.Room(), Board: board, Event: calendar.Event, SoldOut: calendar.SoldOut,
		Sessions:  identity.Sessions{Secret: []byte(cfg.SessionSecret), Now: time.Now},
		Passes:    room.Passes{Secret: []byte(cfg.PassSecret), For: cfg.PassFor, Now: time.Now},
		LotSecret: []byte(cfg.RoomSecret),
		Limits:    store.Limits(),
		Work:      bots.Work{Secret: []byte(cfg.RoomSecret), For: cfg.WorkFor, Now: time.Now},
		Rules:     cfg.rules(),
		Trusted:   cfg.TrustedProxies,
		Now:       time.Now, Log: s.Log, Metrics: s.Metrics, Draining: s.Draining(),
	})
	return s.Serve(ctx, cfg.Listen, api.Handler())
}
