// Package seatmap is what a replica of booking believes about the seats of an
// event, to show them and to propose some: who may have which seat, Claims
// decides.
//
// It learns of changes by Changes, a channel between the processes that may
// lose messages and reorder them. So each carries the fencing token of its
// hold, by which a late one is known; the end of a hold is known from its
// beginning, so that nobody need tell it; and every few seconds the whole is
// read anew from Claims, which mends what a lost message missed.
//
// Pages follow a Map by its versions. A version's delta is encoded once for all
// who watch, and kept in a ring; a watcher is a place in that ring, so a slow
// one costs nothing and, when the ring has gone past it, begins anew with the
// whole.
//
// Pages are not told when somebody else's hold ends: whoever would wait for that
// moment is a bot.
package seatmap
