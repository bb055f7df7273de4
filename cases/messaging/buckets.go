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
