"""What training adds to a reward: length, steps, overlong answers."""
