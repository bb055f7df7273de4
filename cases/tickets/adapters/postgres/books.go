package postgres

import "designkits/cases/tickets/audit"

// Books returns all that is written of sales here and at the bank, for an audit.
func (db *DB) Books(bank audit.Bank) audit.Books {
	return audit.Books{Orders: db.Orders(), Sales: db.Sales(), Tickets: db.Tickets(), Log: db.Saga(), Payment: audit.PaymentAt(bank)}
}
