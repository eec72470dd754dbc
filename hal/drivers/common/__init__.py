"""What drivers of several boards have in common: gauges, sound cards, clocks, lines and small pure parts."""
