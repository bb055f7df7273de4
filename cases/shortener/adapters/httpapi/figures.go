package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"designkits/cases/shortener"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// figures are the server's metrics. Those of the redirect are looked up once,
// here, since looking one up costs as much as the redirect.
type figures struct {
	followed, unknown, expired, limited, failed prometheus.Observer

	requests *prometheus.HistogramVec
}

func newFigures(registry prometheus.Registerer) figures {
	redirects := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "shortener_redirect_seconds",
		Help:    "Time in the process of one redirect, by how it ended.",
		Buckets: []float64{1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2e-2, 2.5e-2, 0.05, 0.1, 0.5, 2}, // 20 ms is the target
	}, []string{"outcome"})
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "shortener_request_seconds",
		Help:    "Time in the process of one request of the API, by route and status.",
		Buckets: []float64{5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.05, 0.1, 0.25, 0.5, 1, 5},
	}, []string{"route", "status"})
	registry.MustRegister(redirects, requests)
	return figures{
		followed: redirects.WithLabelValues("followed"),
		unknown:  redirects.WithLabelValues("unknown"),
		expired:  redirects.WithLabelValues("expired"),
		limited:  redirects.WithLabelValues("limited"),
		failed:   redirects.WithLabelValues("failed"),
		requests: requests,
	}
}

func (f *figures) redirected(err error, took time.Duration) {
	var tooMany *shortener.TooMany
	outcome := f.failed
	switch {
	case err == nil:
		outcome = f.followed
	case errors.Is(err, shortener.ErrNotFound):
		outcome = f.unknown
	case errors.Is(err, shortener.ErrExpired):
		outcome = f.expired
	case errors.As(err, &tooMany):
		outcome = f.limited
	}
	outcome.Observe(took.Seconds())
}

func (f *figures) route(pattern string) func(status int, took time.Duration) {
	return func(status int, took time.Duration) {
		f.requests.WithLabelValues(pattern, strconv.Itoa(status)).Observe(took.Seconds())
	}
}

// A tracer begins the span of one route.
type tracer struct {
	pattern string
	tracer  trace.Tracer
}

func newTracer(pattern string) tracer {
	return tracer{pattern, otel.Tracer("designkits/cases/shortener/adapters/httpapi")}
}

// begin continues the caller's trace, if there is one.
func (t tracer) begin(r *http.Request) (ctx context.Context, end func(status int)) {
	ctx = otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, t.pattern, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		span.End()
	}
}
