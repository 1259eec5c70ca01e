"""What training adds to a reward: length, and what answers that run on lose."""
