package chatapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/order"
	"designkits/shared/httpjson"
	"designkits/shared/problem"
)

// An Owner is what a process does with the drafts of a partition that it owns.
type Owner interface {
	Accept(ctx context.Context, drafts []messaging.Draft) ([]order.Result, error)
	// Acknowledged is told of receipts that are stored.
	Acknowledged(receipts []messaging.Receipt)
}

// Config is what a Server needs.
type Config struct {
	// Owner returns the owner of a partition, or ErrNotOwner if another process
	// has it.
	Owner func(p messaging.Partition) (Owner, error)
	// Owners are the addresses of the owners, as this process knows them.
	Owners func() map[messaging.Partition]string
	// Within is how long drafts may take, default 5 s.
	Within time.Duration
	Log    *slog.Logger
}

// A Server answers gateways.
type Server struct{ cfg Config }

// NewServer returns one.
func NewServer(cfg Config) *Server {
	if cfg.Within == 0 {
		cfg.Within = 5 * time.Second
	}
	return &Server{cfg}
}

// Handler routes its requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /internal/messages", s.messages)
	mux.HandleFunc("POST /internal/receipts", s.receipts)
	mux.HandleFunc("GET /internal/owners", s.owners)
	return mux
}

func (s *Server) messages(w http.ResponseWriter, r *http.Request) {
	var body request
	err := httpjson.Read(w, r, maxBatch, &body)
	if err == nil {
		err = body.check()
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Within)
	defer cancel()
	answers := make([]answer, len(body.Partitions))
	var each sync.WaitGroup
	for i, p := range body.Partitions {
		each.Go(func() { answers[i] = s.accept(ctx, p) })
	}
	each.Wait()
	if err := httpjson.Write(w, http.StatusOK, response{answers}); err != nil {
		s.refuse(w, r, err)
	}
}

// check is nil if each draft is of its partition, and each partition there once.
func (r request) check() error {
	var seen [messaging.Partitions]bool
	for _, p := range r.Partitions {
		if p.Partition < 0 || p.Partition >= messaging.Partitions || seen[p.Partition] {
			return &messaging.Invalid{Field: "partition", Reason: fmt.Sprintf("%d is there twice, or is none of %d", p.Partition, messaging.Partitions)}
		}
		seen[p.Partition] = true
		for i, d := range p.Drafts {
			if d.Conversation.Partition() != p.Partition {
				return &messaging.Invalid{Field: "drafts", Reason: fmt.Sprintf("conversation %s of draft %d is of partition %d", d.Conversation, i, d.Conversation.Partition())}
			}
		}
	}
	return nil
}

// accept has the owner of a partition take its drafts.
func (s *Server) accept(ctx context.Context, p part) answer {
	owner, err := s.cfg.Owner(p.Partition)
	var accepted []order.Result
	if err == nil {
		accepted, err = owner.Accept(ctx, p.Drafts)
	}
	if err != nil {
		refused := resultOf(messaging.Message{}, err)
		if refused.Kind == unavailable {
			s.cfg.Log.WarnContext(ctx, "messages were not taken", "partition", p.Partition, "error", err.Error())
		}
		return answer{Refused: &refused}
	}
	results := make([]result, len(accepted))
	for i, a := range accepted {
		results[i] = resultOf(a.Message, a.Err)
		if results[i].Kind == unavailable {
			s.cfg.Log.WarnContext(ctx, "a draft could not be placed", "conversation", p.Drafts[i].Conversation, "error", a.Err.Error())
		}
	}
	return answer{Results: results}
}

// receipts tells the owners that are here of those that are theirs.
func (s *Server) receipts(w http.ResponseWriter, r *http.Request) {
	var body told
	if err := httpjson.Read(w, r, maxBatch, &body); err != nil {
		s.refuse(w, r, err)
		return
	}
	byPartition := map[messaging.Partition][]messaging.Receipt{}
	for _, each := range body.Receipts {
		p := each.Conversation.Partition()
		byPartition[p] = append(byPartition[p], each)
	}
	for p, its := range byPartition {
		if owner, err := s.cfg.Owner(p); err == nil { // else another process has it by now, and reads them
			owner.Acknowledged(its)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) owners(w http.ResponseWriter, r *http.Request) {
	if err := httpjson.Write(w, http.StatusOK, map[string]any{"owners": s.cfg.Owners()}); err != nil {
		s.refuse(w, r, err)
	}
}

// refuse answers with what is wrong with the whole request.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if p, ok := httpjson.ProblemOf(err); ok {
		problem.Write(w, p)
		return
	}
	p := problem.Problem{Type: "/problems/" + messaging.KindOf(err), Title: "The messages were not taken", Detail: err.Error()}
	if invalid, is := asInvalid(err); is {
		p.Status, p.Field = http.StatusUnprocessableEntity, invalid.Field
	} else {
		p.Status, p.RetryAfter = http.StatusServiceUnavailable, time.Second
		s.cfg.Log.WarnContext(r.Context(), "messages were not taken", "error", err.Error())
	}
	problem.Write(w, p)
}

func asInvalid(err error) (*messaging.Invalid, bool) { return errors.AsType[*messaging.Invalid](err) }
