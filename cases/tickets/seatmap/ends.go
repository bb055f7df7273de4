package seatmap

import "container/heap"

// An end is when a hold of a seat ends, in ms since 1970. One that was extended
// or given up has an end in the heap all the same; the seat tells.
type end struct {
	at   int64
	seat int
}

// ends is a heap, the next end first.
type ends struct{ heap endHeap }

func (e *ends) push(x end)         { heap.Push(&e.heap, x) }
func (e *ends) pop() end           { return heap.Pop(&e.heap).(end) }
func (e *ends) due(now int64) bool { return len(e.heap) > 0 && e.heap[0].at <= now }

type endHeap []end

func (h endHeap) Len() int           { return len(h) }
func (h endHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h endHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *endHeap) Push(x any)        { *h = append(*h, x.(end)) }
func (h *endHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
