// Package ring says which process a partition belongs to: consistent hashing
// with virtual nodes (Karger et al., STOC 1997; virtual nodes as in Dynamo, SOSP
// 2007, §6.2) and bounded loads (Mirrokni, Thorup and Zadimoghaddam, SODA 2018). A
// ring alone gives one of two processes 12 of 16 partitions as easily as 8: even
// shares need many keys. So nobody gets more than an even share, rounded up, and what
// is above it goes to the next on the ring. When one of n processes comes or goes, a
// third more move than the 1/n that have to.
//
// Everybody who knows the same processes gets the same answer, so there is nobody
// to ask. That two of them may know different processes for a moment is not this
// package's problem: the answer says where to try, and a lease who owns.
package ring

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
)

// points is how many places a process has on the ring. More make the shares more
// even; with so many they differ by about an eighth.
const points = 64

// A Ring is a set of processes. It doesn't change; the zero value has none.
type Ring struct{ places []place }

type place struct {
	at   uint64
	name string
}

// New returns the ring of the named processes. Their order doesn't matter.
func New(names ...string) Ring {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var r Ring
	for _, name := range names {
		for i := range points {
			r.places = append(r.places, place{hash(name + "#" + strconv.Itoa(i)), name})
		}
	}
	slices.SortFunc(r.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name))
	})
	return r
}

// Shares gives each key to one of the processes: to the first of its successors that
// has room. Whoever knows the same processes and keys, in whatever order, gets the
// same answer; where there is no process it is empty.
func (r Ring) Shares(keys []string) map[string]string {
	owners := make(map[string]string, len(keys))
	if len(r.places) == 0 {
		return owners
	}
	n := len(r.places) / points
	room := (len(keys) + n - 1) / n
	has := map[string]int{}
	for _, key := range slices.Sorted(slices.Values(keys)) {
		for _, name := range r.Successors(key) {
			if has[name] < room {
				owners[key] = name
				has[name]++
				break
			}
		}
	}
	return owners
}

// Successors are all processes, in the order in which a key would go to them were
// those before them gone or full.
func (r Ring) Successors(key string) []string {
	first := r.from(key)
	var names []string
	for i := range r.places {
		if name := r.places[(first+i)%len(r.places)].name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// from is the first place at or behind the key's.
func (r Ring) from(key string) int {
	i, _ := slices.BinarySearchFunc(r.places, hash(key), func(p place, at uint64) int { return cmp.Compare(p.at, at) })
	return i
}

// hash places a key. FNV alone leaves keys that differ in their last digit close
// together; the finaliser of SplitMix64 scatters them.
func hash(key string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(key))
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
