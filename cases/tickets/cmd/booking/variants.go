package main

import (
	"fmt"

	"designkits/cases/tickets/adapters/httpapi"
	"designkits/cases/tickets/adapters/postgres"
)

// variants are choices that the design rejects, kept so that they can be run:
// each is the control of an experiment in curveballs/. The defaults are the design.
type variants struct {
	// Notices of the payment provider are kept by version and only wake the order
	// up; or believed, as they come.
	Notices string `env:"NOTICES" envDefault:"versioned"`
	// Moves of an event to another hall seat everybody anew; or only rename its hall.
	Moves string `env:"MOVES" envDefault:"seated"`
}

func (v variants) moves(db *postgres.DB) (httpapi.Moves, error) {
	switch v.Moves {
	case "seated":
		return db.Moves(), nil
	case "renamed":
		return db.Renaming(), nil
	}
	return nil, fmt.Errorf("MOVES is %q: seated or renamed", v.Moves)
}

func (v variants) inbox(db *postgres.DB) (httpapi.Inbox, error) {
	switch v.Notices {
	case "versioned":
		return db.Saga(), nil
	case "believed":
		return db.Believing(), nil
	}
	return nil, fmt.Errorf("NOTICES is %q: versioned or believed", v.Notices)
}
