"""What contrib/bench/run and contrib/bench/gates share."""
