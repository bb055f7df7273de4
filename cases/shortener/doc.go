// Package shortener is the domain of the URL shortener: what a link, a code, an
// alias, a click and a count are, and the rules that hold for them.
//
// It imports no driver. What it needs of the outside it names as interfaces,
// each with its contract: LinkStore, RangeStore, KeyStore, SaltStore,
// SharedCache, Changes, ClickLog, StatsStore. The packages below adapters/
// implement them, one a technology, and cmd/ puts them together.
//
// One redirect's way: adapters/httpapi takes the request, Resolver finds the
// link (in process, else the shared cache, else the store, each miss asked
// once however many wait for it), the visitor is sent on, and Recorder takes
// the click: into the click log, or into a spool on disk while the log is
// away. The stream job counts the log into increments, and StatsStore adds
// them up, each exactly once.
package shortener
