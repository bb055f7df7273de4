// Package curveballs asks what an interviewer asks once the boxes are drawn,
// "and what if …?", and answers with experiments: one file each.
//
// Each starts the whole case for itself, on real backends, sends load, breaks
// something and measures; and does the same with a naive variant, which is a
// setting of cmd/api or cmd/analytics. Bands are counts and shares wherever
// possible, so that they hold on a slow machine as well.
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
