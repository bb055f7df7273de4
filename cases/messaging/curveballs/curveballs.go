// Package curveballs asks what an interviewer asks once the boxes are drawn,
// "and what if …?", and answers with experiments: one file each.
//
// Those about the whole messenger start its processes for themselves, on real
// backends, talk, break something and audit; those about one idea run it alone, on
// the real stores. Each does the same with a naive variant. Bands are counts and
// shares wherever possible, so that they hold on a slow machine as well.
package curveballs

import "designkits/shared/curveball"

// All are the experiments, in the order of the design doc.
var All = []curveball.Experiment{
	GatewayDies,
	TwoOwners,
	PubSubLoses,
	WrongClock,
	LongAway,
	TenMegabytes,
	DeleteOffline,
	Celebrity,
	HotPartition,
	StolenDevice,
	KeySwapped,
	RegionAway,
	SpamWave,
	TenTimes,
}
