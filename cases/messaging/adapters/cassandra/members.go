package cassandra

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"

	"designkits/cases/messaging"
)

// Page goes through the parts of the members one after the other, each by the person's
// id: a place is where its person would stand, so nothing is kept between two pages, and
// each reads its own rows. Most rosters are one page, which one query reads.
func (s *Rosters) Page(ctx context.Context, c messaging.ConversationID, after messaging.UserID, limit int) (*messaging.RosterPage, error) {
	if err := checkLimit(limit); err != nil {
		return nil, err
	}
	if after != "" && !after.Valid() {
		return nil, &messaging.Invalid{Field: "after", Reason: fmt.Sprintf("%.40q is no account's id: give the last person of the page before", after)}
	}
	p := &messaging.RosterPage{}
	reads, ctx := errgroup.WithContext(ctx)
	reads.Go(func() error {
		return s.db.run(ctx, "read roster", string(c), func(ctx context.Context) (err error) {
			p.Conversation, err = s.conversation(ctx, c)
			return err
		})
	})
	reads.Go(func() error {
		return s.db.run(ctx, "read page of members", string(c), func(ctx context.Context) (err error) {
			p.Members, err = s.behind(ctx, c, after, limit+1)
			return err
		})
	})
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	if p.More = len(p.Members) > limit; p.More {
		p.Members = p.Members[:limit]
	}
	return p, nil
}

// behind reads members behind a person, or the first of all.
func (s *Rosters) behind(ctx context.Context, c messaging.ConversationID, after messaging.UserID, limit int) (members []messaging.Membership, err error) {
	first := 0
	if after != "" {
		first = shardOf(c, after)
	} else {
		all := s.db.read(ctx, `SELECT user, role, since, until FROM members WHERE conversation = ? AND shard IN ? LIMIT ?`, string(c), shardsOf(c), limit)
		if members, err = membersOf(all.Iter()); err != nil {
			return nil, err
		}
		if len(members) < limit { // all there are; else nobody says of which parts these are
			slices.SortFunc(members, func(a, b messaging.Membership) int {
				return cmp.Or(cmp.Compare(shardOf(c, a.User), shardOf(c, b.User)), cmp.Compare(a.User, b.User))
			})
			return members, nil
		}
		members = nil
	}
	for shard := first; shard < c.Shards() && len(members) < limit; shard++ {
		some, err := membersOf(s.db.read(ctx, `SELECT user, role, since, until FROM members WHERE conversation = ? AND shard = ? AND user > ? LIMIT ?`,
			string(c), shard, string(after), limit-len(members)).Iter())
		if err != nil {
			return nil, err
		}
		members, after = append(members, some...), ""
	}
	return members, nil
}

func membersOf(rows *gocql.Iter) (members []messaging.Membership, err error) {
	for m := (messaging.Membership{}); rows.Scan((*string)(&m.User), (*string)(&m.Role), (*int64)(&m.Since), (*int64)(&m.Until)); {
		members = append(members, m)
	}
	return members, rows.Close()
}
