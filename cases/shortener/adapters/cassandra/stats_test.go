package cassandra

import (
	"testing"

	"designkits/cases/shortener/clicks"
	"designkits/cases/shortener/clicks/statstoretest"
)

func TestStatsKeepTheContract(t *testing.T) {
	statstoretest.Run(t, func(t *testing.T) clicks.StatsStore { return openDB(t).Stats() })
}
