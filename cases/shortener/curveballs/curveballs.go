// Package curveballs asks what an interviewer asks once the boxes are drawn,
// "and what if …?", and answers with experiments: one file each.
//
// Each starts for itself, on real backends, the whole case, or the replicas of
// cmd/api where edge and counts don't matter, or in ExpireMany the store's adapter
// alone. It sends load or calls, breaks something where the question is about
// that, and measures; and does the same with a naive variant. That is a setting of
// cmd/api or cmd/analytics, but for ChangedTarget (a permanent link), GDPRErase (other
// calls) and ExpireMany (a setting of the adapter). Bands are counts and shares
// wherever possible, so that they hold on a slow machine as well.
package curveballs

import "designkits/shared/curveball"

// All are the experiments, in the order of the design doc.
var All = []curveball.Experiment{
	Viral,
	RedisDies,
	KafkaAway,
	TaskManagerDies,
	CassandraNodeDies,
	ClockGoesBack,
	GuessCodes,
	CreateFlood,
	MaliciousTargets,
	SameLink,
	ChangedTarget,
	PermanentAndBack,
	GDPRErase,
	ExpireMany,
	SecondRegion,
}
