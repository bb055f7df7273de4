// Package shortener is the domain of the URL shortener: what a link, a code and
// an alias are, and the rules that hold for them. Three topics have packages of
// their own beside it: codes (how they are made), target (where a link may
// lead) and clicks (from a redirect to a count).
//
// None of them imports a driver. What they need of the outside they name as
// interfaces, each with its contract: LinkStore, KeyStore, SharedCache, Changes,
// Limiter, Edge, Eraser; codes.RangeStore; clicks.ClickLog, clicks.IncrementLog,
// clicks.SaltStore, clicks.StatsStore. The
// packages below adapters/ implement them, one a technology, and cmd/ puts them
// together.
//
// One redirect's way: adapters/httpapi takes the request, Resolver finds the
// link (in process, else the shared cache, else the store, each miss asked
// once however many wait for it), the visitor is sent on, and clicks.Recorder takes
// the click: into the click log, or into a spool on disk while the log is
// away. The stream job counts the log into increments, and clicks.StatsStore adds
// them up, each exactly once.
package shortener
