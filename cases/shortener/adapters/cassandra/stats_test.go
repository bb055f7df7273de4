package cassandra

import (
	"testing"

	"designkits/cases/shortener"
	"designkits/cases/shortener/statstoretest"
)

func TestStatsKeepTheContract(t *testing.T) {
	statstoretest.Run(t, func(t *testing.T) shortener.StatsStore { return openDB(t).Stats() })
}
