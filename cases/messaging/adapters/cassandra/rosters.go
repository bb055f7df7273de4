package cassandra

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
	"designkits/shared/cql"
)

// Rosters is the messaging.Rosters. The rows of a member and of a person's index
// carry the number of the message that changed them last as their timestamp.
type Rosters struct{ db *DB }

// Rosters returns the store of who is in which conversation.
func (db *DB) Rosters() *Rosters { return &Rosters{db} }

var _ messaging.Rosters = (*Rosters)(nil)

// shardOf is which part of a conversation's members a person is in.
func shardOf(c messaging.ConversationID, u messaging.UserID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(u))
	return int(h.Sum32() % uint32(c.Shards()))
}

// shardsOf are all parts of a conversation's members.
func shardsOf(c messaging.ConversationID) []int {
	shards := make([]int, c.Shards())
	for i := range shards {
		shards[i] = i
	}
	return shards
}

// Create stores the conversation when its members are stored: after a crash in
// between there is none yet.
func (s *Rosters) Create(ctx context.Context, r messaging.Roster) error {
	members := make([]messaging.Membership, 0, len(r.Members))
	for _, m := range r.Members {
		members = append(members, m)
	}
	// Created is number 1, and whatever changes the roster comes behind it.
	if err := s.change(ctx, "create roster", r.ID, members, 1); err != nil {
		return err
	}
	return s.db.run(ctx, "create conversation", string(r.ID), func(ctx context.Context) error {
		return s.db.read(ctx, `INSERT INTO conversations (conversation, kind, title, created) VALUES (?, ?, ?, ?) USING TIMESTAMP 1`,
			string(r.ID), string(r.Kind), r.Title, r.Created).Exec()
	})
}

// Change stores the memberships as the message of that number has made them.
func (s *Rosters) Change(ctx context.Context, c messaging.ConversationID, changed []messaging.Membership, by messaging.Seq) error {
	if by < 1 {
		return &messaging.Invalid{Field: "by", Reason: fmt.Sprintf("%d is no message's number", by)}
	}
	return s.change(ctx, "change roster", c, changed, by)
}

func (s *Rosters) change(ctx context.Context, operation string, c messaging.ConversationID, changed []messaging.Membership, by messaging.Seq) error {
	return s.db.run(ctx, operation, fmt.Sprintf("%s/%d", c, by), func(ctx context.Context) error {
		writes := make([]cql.Write, 0, 2*len(changed))
		for _, m := range changed {
			shard := shardOf(c, m.User)
			writes = append(writes, cql.Write{
				Partition: fmt.Sprintf("members %s %d", c, shard),
				Statement: `INSERT INTO members (conversation, shard, user, role, since, until) VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
				Values:    []any{string(c), shard, string(m.User), string(m.Role), int64(m.Since), int64(m.Until), int64(by)},
			}, indexOf(c, m, by))
		}
		return s.db.writer.do(ctx, writes)
	})
}

// indexOf puts the conversation into a person's index, or takes it out.
func indexOf(c messaging.ConversationID, m messaging.Membership, by messaging.Seq) cql.Write {
	w := cql.Write{
		Partition: "conversations_by_user " + string(m.User),
		Statement: `INSERT INTO conversations_by_user (user, conversation) VALUES (?, ?) USING TIMESTAMP ?`,
		Values:    []any{string(m.User), string(c), int64(by)},
	}
	if !m.Here() {
		w.Statement = `DELETE FROM conversations_by_user USING TIMESTAMP ? WHERE user = ? AND conversation = ?`
		w.Values = []any{int64(by), string(m.User), string(c)}
	}
	return w
}

// Roster reads the conversation and its members at the same time, these a page at a
// time: many thousands take longer than one operation may.
func (s *Rosters) Roster(ctx context.Context, c messaging.ConversationID) (*messaging.Roster, error) {
	r := &messaging.Roster{Members: map[messaging.UserID]messaging.Membership{}}
	reads, ctx := errgroup.WithContext(ctx)
	reads.Go(func() error {
		return s.db.run(ctx, "read roster", string(c), func(ctx context.Context) (err error) {
			r.Conversation, err = s.conversation(ctx, c)
			return err
		})
	})
	reads.Go(func() error {
		for page := []byte(nil); ; {
			err := s.db.run(ctx, "read members", string(c), func(ctx context.Context) error {
				rows := s.db.read(ctx, `SELECT user, role, since, until FROM members WHERE conversation = ? AND shard IN ?`, string(c), shardsOf(c)).PageState(page).Iter()
				for m := (messaging.Membership{}); rows.Scan((*string)(&m.User), (*string)(&m.Role), (*int64)(&m.Since), (*int64)(&m.Until)); {
					r.Members[m.User] = m
				}
				page = rows.PageState()
				return rows.Close()
			})
			if err != nil || len(page) == 0 {
				return err
			}
		}
	})
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	return r, nil
}

// Membership reads one row: of who is or was in a conversation, or ErrNotMember.
func (s *Rosters) Membership(ctx context.Context, c messaging.ConversationID, u messaging.UserID) (messaging.Membership, error) {
	m := messaging.Membership{User: u}
	err := s.db.run(ctx, "read membership", fmt.Sprintf("%s in %s", u, c), func(ctx context.Context) error {
		err := s.db.read(ctx, `SELECT role, since, until FROM members WHERE conversation = ? AND shard = ? AND user = ?`, string(c), shardOf(c, u), string(u)).
			Scan((*string)(&m.Role), (*int64)(&m.Since), (*int64)(&m.Until))
		if err == gocql.ErrNotFound {
			return messaging.ErrNotMember
		}
		return err
	})
	if err != nil {
		return messaging.Membership{}, err
	}
	return m, nil
}

func (s *Rosters) conversation(ctx context.Context, c messaging.ConversationID) (messaging.Conversation, error) {
	found := messaging.Conversation{ID: c}
	var created time.Time
	err := s.db.read(ctx, `SELECT kind, title, created FROM conversations WHERE conversation = ?`, string(c)).
		Scan((*string)(&found.Kind), &found.Title, &created)
	if err == gocql.ErrNotFound {
		return messaging.Conversation{}, messaging.ErrNotFound
	}
	found.Created = created
	return found, err
}

// Of reads a page of the person's index, and the conversations in it.
func (s *Rosters) Of(ctx context.Context, u messaging.UserID, cursor string, limit int) (conversations []messaging.Conversation, next string, err error) {
	if err := checkLimit(limit); err != nil {
		return nil, "", err
	}
	if cursor != "" && !messaging.ConversationID(cursor).Valid() {
		return nil, "", &messaging.Invalid{Field: "cursor", Reason: fmt.Sprintf("%q is none that a page has ended with", cursor)}
	}
	err = s.db.run(ctx, "list conversations", string(u), func(ctx context.Context) error {
		var ids []messaging.ConversationID
		rows := s.db.read(ctx, `SELECT conversation FROM conversations_by_user WHERE user = ? AND conversation > ? LIMIT ?`, string(u), cursor, limit+1).Iter()
		for id := ""; rows.Scan(&id); {
			ids = append(ids, messaging.ConversationID(id))
		}
		if err := rows.Close(); err != nil {
			return err
		}
		if len(ids) > limit {
			ids = ids[:limit]
			next = string(ids[limit-1])
		}
		conversations, err = s.all(ctx, ids)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return conversations, next, nil
}

// Count counts the rows of each person's index, which MaxConversations bounds.
func (s *Rosters) Count(ctx context.Context, users []messaging.UserID) (counts []int, err error) {
	counts = make([]int, len(users))
	err = s.db.run(ctx, "count conversations", fmt.Sprintf("of %d people", len(users)), func(ctx context.Context) error {
		reads, ctx := errgroup.WithContext(ctx)
		reads.SetLimit(16)
		for i, u := range users {
			reads.Go(func() error {
				return s.db.read(ctx, `SELECT COUNT(*) FROM conversations_by_user WHERE user = ?`, string(u)).Scan(&counts[i])
			})
		}
		return reads.Wait()
	})
	return counts, err
}

// all reads conversations. One that a crash has left in an index, before it was
// created, is left out.
func (s *Rosters) all(ctx context.Context, ids []messaging.ConversationID) ([]messaging.Conversation, error) {
	found := make([]messaging.Conversation, len(ids))
	reads, ctx := errgroup.WithContext(ctx)
	reads.SetLimit(16)
	for i, id := range ids {
		reads.Go(func() (err error) {
			found[i], err = s.conversation(ctx, id)
			if err == messaging.ErrNotFound {
				return nil
			}
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	there := found[:0]
	for _, c := range found {
		if c.ID != "" {
			there = append(there, c)
		}
	}
	return there, nil
}
