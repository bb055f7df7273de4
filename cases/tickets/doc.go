// Package tickets is the domain of the ticket sale: what an event, a seat, a hold
// and an order are, and the rules that hold for them. Topics have packages of
// their own beside it:
//
//	venue, program     halls as data, and the events that come with the case
//	room, bots         who waits for the sale to begin, and what being many costs
//	best, seatmap      which seats to offer, and what a replica believes of them
//	identity, receipt  who asks and what they hold, signed, kept by who asks
//	payments, saga     the money, and an order's way to its tickets or back
//	move               an event that is sold, in another hall
//	provider           somebody else's payment service, simulated
//	ticketcode, audit  what a door believes, and whether all books agree
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
