"""Who may call: tokens, rates, hosts and origins, and what browsers are told to do with answers."""
