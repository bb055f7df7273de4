package messaging

// How the stores cut what would grow without an end into partitions, with the
// arithmetic. A partition below 10 MB is read, compacted and repaired without
// anybody noticing; Cassandra itself warns at 100 MB.
const (
	// BucketSize is how many messages of a conversation make up a partition of
	// its history. A message of the Signal protocol to three devices, the text
	// padded to 256 bytes, has about 980 bytes of bodies; with its head and the
	// row's own bytes 1.2 KB, so a bucket has 1.2 MB. If each message had the
	// 64 KB that MaxBody allows it would have 66 MB, which is still below what
	// Cassandra warns of; that is why it isn't 5,000.
	//
	// A partition of an inbox is what a conversation has said to a device within a
	// bucket, and on a day, so that it ends as a whole: half a megabyte at most.
	// With all conversations of a day or of a bucket together the rule would allow
	// BucketSize × MaxConversations, 5 GB, and spare less than it seems: by the sheet
	// a device gets 154 items a day, of ten conversations, whose numbers are in
	// different buckets anyway: after a year two people are in their fourth and a group
	// of eight is in its fifteenth. So a page of 100 is seven parts where it would be
	// four or five. Each conversation costs a read of a receipt besides, either way, and
	// parts that are empty aren't looked at.
	BucketSize = 1000

	// MemberShards is how many partitions hold the members of a group or channel,
	// and their receipts. MaxRoster, which counts who has left as well, would be 16 MB
	// in one partition; with MaxDevices each, their receipts would be 64 MB. In eight
	// parts that is 2 and 8 MB, so MaxRoster has no room for more. The two of a direct
	// conversation need one.
	MemberShards = 8
)

// Bucket is the part of a conversation's history that holds the message.
func (s Seq) Bucket() int64 { return int64(s) / BucketSize }

// Shards is how many parts the members of a conversation are kept in.
func (c ConversationID) Shards() int {
	if c.Kind() == Direct {
		return 1
	}
	return MemberShards
}
