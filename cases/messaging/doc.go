// Package messaging is the domain of the messenger: what a conversation, a
// message, a device and its cursor are, and the rules that hold for them. Topics
// have packages of their own beside it:
//
//	ring      which chat process owns which partition of the conversations
//	order     what an owner does: one sequence a conversation, once a message
//	fanout    to whom a message goes, and whether it is written or read there
//	wire      the frames between a device and its gateway
//	session   what a gateway does for one connected device
//	device    what a device does so that on its screen nothing is missing or twice
//	presence  who is there, and who is told
//	media     grants to upload what only the recipients can read
//	identity  which device asks, by its tokens
//	operator  what whoever runs the messenger sees of it
//	audit     what devices have shown, against what was sent and what is stored
//
// None of them imports a driver. What they need of the outside they name as
// interfaces, each with its contract; the packages below adapters/ implement
// them, one a technology.
//
// One message's way: a device sends it to its gateway under an id that it chose
// itself. The gateway asks the owner of the conversation's partition. The owner
// checks that the sender is a member, gives the message the next number of the
// conversation and commits it to the partition's log, which is Kafka's; from then
// on it is sent, and the device is told. Whoever lost the ownership meanwhile is
// refused by the log, which knows the newest owner's epoch. Then the message is
// applied: written to Cassandra, to the conversation's history and to the inboxes of
// its members' devices that aren't connected, or in a large group to the history
// alone, and announced to the gateways that hold the others. A device acknowledges
// what it has; of one that doesn't within two seconds the inbox is written as well,
// and its receipt empties it. What it misses, since a gateway died or it was away, it
// sees by the numbers or is given notice of, and asks for.
//
// Who is there is no process's business either but the gateways': a heartbeat is a
// connection, which its gateway sees, and who is told is connected to one. Package
// presence says more.
//
// The server sees who talks to whom and when, and not what: the bodies of
// messages are encrypted by the devices.
package messaging
