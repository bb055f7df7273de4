// Package chatapi is how gateways bring messages to the chat processes that order
// them: HTTP and JSON, within the system only.
//
//	POST /internal/messages   drafts of some partitions, those of each in order
//	POST /internal/receipts   what devices have acknowledged, which is stored: whoever
//	                          owns a conversation needn't read it, should it be told
//	GET  /internal/owners     who owns what, as this process knows it
//
// The owner of a partition answers for each draft with its number or with what is
// wrong with it. Each partition is answered for by itself: who doesn't own it says
// so, and whoever asked looks again who does. Nobody may reach these but gateways:
// the sender of a draft is believed.
package chatapi

import (
	"time"

	"designkits/cases/messaging"
)

// A request is the drafts of some partitions, each named once.
type request struct {
	Partitions []part `json:"partitions"`
}

type part struct {
	Partition messaging.Partition `json:"partition"`
	Drafts    []messaging.Draft   `json:"drafts"`
}

// A response has an answer for each partition.
type response struct {
	Partitions []answer `json:"partitions"`
}

// An answer has a result for each draft, or says why none was taken.
type answer struct {
	Results []result `json:"results,omitempty"`
	Refused *result  `json:"refused,omitempty"`
}

// A result is the message's place, or what is wrong.
type result struct {
	Seq    messaging.Seq `json:"seq,omitempty"`
	At     time.Time     `json:"at,omitzero"`
	Kind   string        `json:"kind,omitempty"`
	Field  string        `json:"field,omitempty"`
	Detail string        `json:"detail,omitempty"`
}

// told is receipts that are stored.
type told struct {
	Receipts []messaging.Receipt `json:"receipts"`
}

// unavailable is the kind of what isn't the domain's: of a store that is away.
const unavailable = "unavailable"

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
