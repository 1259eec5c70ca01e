"""How good a policy is, before, during and after training."""
