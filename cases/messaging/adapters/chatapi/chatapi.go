// Package chatapi is how gateways bring messages to the chat processes that order
// them: HTTP and JSON, within the system only.
//
//	POST /internal/partitions/{partition}/messages   drafts of one partition, in order
//	GET  /internal/owners                            who owns what, as this process knows it
//
// The owner of a partition answers for each draft with its number or with what is
// wrong with it. Who doesn't own the partition answers 409; whoever asked looks
// again who does. Nobody may reach these but gateways: the sender of a draft is
// believed.
package chatapi

import (
	"time"

	"designkits/cases/messaging"
)

// A request is the drafts of one partition.
type request struct {
	Drafts []messaging.Draft `json:"drafts"`
}

// A response has a result for each draft.
type response struct {
	Results []result `json:"results"`
}

// A result is the message's place, or what is wrong.
type result struct {
	Seq    messaging.Seq `json:"seq,omitempty"`
	At     time.Time     `json:"at,omitzero"`
	Kind   string        `json:"kind,omitempty"`
	Field  string        `json:"field,omitempty"`
	Detail string        `json:"detail,omitempty"`
}

// maxBatch is the bytes of a request: MaxDrafts of an ordinary size, or fewer.
const maxBatch = 8 << 20

func resultOf(m messaging.Message, err error) result {
	if err == nil {
		return result{Seq: m.Seq, At: m.At}
	}
	r := result{Kind: messaging.KindOf(err), Detail: err.Error()}
	if invalid, ok := asInvalid(err); ok {
		r.Field, r.Detail = invalid.Field, invalid.Reason
	}
	return r
}
