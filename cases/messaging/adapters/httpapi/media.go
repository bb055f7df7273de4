package httpapi

import (
	"context"
	_ "embed"
	"net/http"
	"time"

	"designkits/cases/messaging"
	"designkits/cases/messaging/media"
	"designkits/shared/httpjson"
)

// MediaOpenAPI describes the API of Media. A test holds it against the running server.
//
//go:embed media.yaml
var MediaOpenAPI []byte

// Media serves grants to upload and to download blobs. The bytes don't pass
// through it.
type Media struct {
	*api
	store  media.Store
	grants media.Grants
}

// A MediaConfig is what Media needs.
type MediaConfig struct {
	Config
	Store  media.Store
	Grants media.Grants
}

// NewMedia returns a server, or an error where one of the origins is none.
func NewMedia(cfg MediaConfig) (*Media, error) {
	s := &Media{store: cfg.Store, grants: cfg.Grants}
	var err error
	s.api, err = newAPI(cfg.Config, s.routes())
	return s, err
}

// Handler returns the routes.
func (s *Media) Handler() http.Handler { return s.mux }

func (s *Media) routes() map[string]serve {
	return map[string]serve{
		"POST /api/media":               s.begin,
		"GET /api/media/{id}/parts":     s.parts,
		"POST /api/media/{id}/complete": s.complete,
		"POST /api/media/{id}/used":     s.used,
		"GET /api/media/{id}":           s.download,
		"GET /api/media/openapi.yaml":   file(&MediaOpenAPI),
	}
}

// begun is an upload that was begun.
type begun struct {
	ID     media.ID `json:"id"`
	Upload string   `json:"upload"`
}

// A part is one that is yet to be put, and the request that puts it.
type part struct {
	Number int   `json:"number"`
	Size   int64 `json:"size"`
	media.Signed
}

// begin grants an upload.
func (s *Media) begin(w http.ResponseWriter, r *http.Request) error {
	a, err := s.device(r)
	if err != nil {
		return err
	}
	if err := s.limit(r.Context(), "uploads", s.Limits.UploadsAnHour, time.Hour, string(a.User)); err != nil {
		return err
	}
	var body struct {
		Size int64    `json:"size"`
		Type string   `json:"type"`
		Sums [][]byte `json:"sha256"`
	}
	return once(s.api, w, r, &body, request[begun]{
		caller: a.String(), plan: string(media.NewID()),
		do: func(ctx context.Context, plan string) (b begun, err error) {
			if _, err := media.Divide(body.Size, body.Type, body.Sums); err != nil {
				return b, err
			}
			b.ID = media.ID(plan)
			b.Upload, err = s.store.Begin(ctx, b.ID)
			return b, err
		},
		say: func(b begun) error {
			parts, err := media.Divide(body.Size, body.Type, body.Sums)
			if err != nil {
				return err
			}
			g := media.Grant{ID: b.ID, Upload: b.Upload, Owner: a.User, Parts: parts, Until: s.grants.Now().Add(media.UploadFor).Truncate(time.Second)}
			text, err := s.grants.Sign(g, body.Size, body.Type)
			if err != nil {
				return err
			}
			missing, err := s.sign(r.Context(), g, nil)
			if err != nil {
				return err
			}
			return httpjson.Write(w, http.StatusCreated, map[string]any{
				"id": g.ID, "grant": text, "until": g.Until.UTC(), "partSize": media.PartSize, "missing": missing,
			})
		},
	})
}

// sign signs the requests for the parts that aren't there.
func (s *Media) sign(ctx context.Context, g media.Grant, have map[int]bool) ([]part, error) {
	missing := []part{}
	for i, p := range g.Parts {
		if have[i] {
			continue
		}
		signed, err := s.store.SignPart(ctx, g.ID, g.Upload, i, p)
		if err != nil {
			return nil, err
		}
		missing = append(missing, part{i, p.Size, signed})
	}
	return missing, nil
}

// granted returns the grant that a request shows in the header Upload-Grant: in the
// address it would stand in every log.
func (s *Media) granted(r *http.Request) (media.Grant, error) {
	a, err := s.device(r)
	if err != nil {
		return media.Grant{}, err
	}
	return s.grants.Check(r.Header.Get("Upload-Grant"), media.ID(r.PathValue("id")), a.User)
}

// parts tells which parts are there, and how to put the others: an upload that
// broke off goes on from here, also when the first addresses have ended.
func (s *Media) parts(w http.ResponseWriter, r *http.Request) error {
	g, err := s.granted(r)
	if err != nil {
		return err
	}
	have, err := s.store.Have(r.Context(), g.ID, g.Upload, g.Parts)
	if err != nil {
		return err
	}
	missing, err := s.sign(r.Context(), g, have)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, map[string]any{"have": len(have), "missing": missing})
}

// complete makes the blob. It needs no Idempotency-Key: doing it again does nothing.
func (s *Media) complete(w http.ResponseWriter, r *http.Request) error {
	g, err := s.granted(r)
	if err == nil {
		err = httpjson.None(w, r)
	}
	if err == nil {
		err = s.store.Complete(r.Context(), g.ID, g.Upload, g.Parts)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// blob returns the id in a request of a device that is signed in.
func (s *Media) blob(r *http.Request) (media.ID, error) {
	if _, err := s.device(r); err != nil {
		return "", err
	}
	id := media.ID(r.PathValue("id"))
	if !id.Valid() {
		return "", messaging.ErrNotFound
	}
	return id, nil
}

// used keeps the blob, which a message points to now.
func (s *Media) used(w http.ResponseWriter, r *http.Request) error {
	id, err := s.blob(r)
	if err == nil {
		err = httpjson.None(w, r)
	}
	if err == nil {
		err = s.store.Use(r.Context(), id)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// download signs the request that gets a blob. Package media says who may.
func (s *Media) download(w http.ResponseWriter, r *http.Request) error {
	id, err := s.blob(r)
	if err != nil {
		return err
	}
	signed, err := s.store.SignGet(r.Context(), id)
	if err != nil {
		return err
	}
	return httpjson.Write(w, http.StatusOK, signed)
}
