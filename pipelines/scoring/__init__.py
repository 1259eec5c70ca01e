"""Three instruments that write rollouts: adaptive pass rate, tree search, and the blind probe."""
