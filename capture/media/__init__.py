"""From encoded pictures and samples to whole fragments: numbering, time, muxing."""
