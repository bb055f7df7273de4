// Package tickets is the domain of the ticket sale: what an event, a seat and a
// hold are, and the rules that hold for them. Its topics have packages of their
// own beside it, among them venue (halls as data), best (which seats to offer),
// room (who waits, and who is let in when) and bots (who has to work for a
// place).
//
// None of them imports a driver. What they need of the outside they name as
// interfaces, each with its contract; the packages below adapters/ implement
// them, one a technology.
//
// One seat's way: a fan holds it for some minutes (Claims.Hold), pays, and the
// hold becomes a sale (Claims.Confirm), under a constraint in PostgreSQL that
// refuses a second sale of the seat whatever anybody else believes. What a seat
// may go through is in State; nothing else changes it.
package tickets
