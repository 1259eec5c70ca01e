"""What `curricle serve` is made of: a server, a worker, deployments, and a watch over the runs."""
