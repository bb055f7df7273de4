package chatapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/order"
	"designkits/shared/httpjson"
	"designkits/shared/problem"
)

// An Owner is what a process does with the drafts of a partition that it owns.
type Owner interface {
	Accept(ctx context.Context, drafts []messaging.Draft) ([]order.Result, error)
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
	mux.HandleFunc("POST /internal/partitions/{partition}/messages", s.messages)
	mux.HandleFunc("GET /internal/owners", s.owners)
	return mux
}

func (s *Server) messages(w http.ResponseWriter, r *http.Request) {
	results, err := s.accept(w, r)
	if err == nil {
		err = httpjson.Write(w, http.StatusOK, response{results})
	}
	if err != nil {
		s.refuse(w, r, err)
	}
}

func (s *Server) accept(w http.ResponseWriter, r *http.Request) ([]result, error) {
	number, err := strconv.Atoi(r.PathValue("partition"))
	if err != nil || number < 0 || number >= messaging.Partitions {
		return nil, messaging.ErrNotFound
	}
	p := messaging.Partition(number)
	var body request
	if err := httpjson.Read(w, r, maxBatch, &body); err != nil {
		return nil, err
	}
	for i, d := range body.Drafts {
		if d.Conversation.Partition() != p {
			return nil, &messaging.Invalid{Field: "drafts", Reason: fmt.Sprintf("conversation %s of draft %d is of partition %d", d.Conversation, i, d.Conversation.Partition())}
		}
	}
	owner, err := s.cfg.Owner(p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Within)
	defer cancel()
	accepted, err := owner.Accept(ctx, body.Drafts)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(accepted))
	for i, a := range accepted {
		results[i] = resultOf(a.Message, a.Err)
		if results[i].Kind == "unavailable" {
			s.cfg.Log.WarnContext(r.Context(), "a draft could not be placed", "conversation", body.Drafts[i].Conversation, "error", a.Err.Error())
		}
	}
	return results, nil
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
	invalid, is := asInvalid(err)
	switch {
	case is:
		p.Status, p.Field = http.StatusUnprocessableEntity, invalid.Field
	case errors.Is(err, messaging.ErrNotOwner):
		p.Status = http.StatusConflict
	case errors.Is(err, messaging.ErrNotFound):
		p.Status = http.StatusNotFound
	case errors.Is(err, messaging.ErrBusy):
		p.Status, p.RetryAfter = http.StatusServiceUnavailable, time.Second
	default:
		p.Status, p.RetryAfter = http.StatusServiceUnavailable, time.Second
		s.cfg.Log.WarnContext(r.Context(), "messages were not taken", "error", err.Error())
	}
	problem.Write(w, p)
}

func asInvalid(err error) (*messaging.Invalid, bool) { return errors.AsType[*messaging.Invalid](err) }
