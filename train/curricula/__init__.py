"""Where the order of training comes from: small objects that choose what is asked next."""
