"""The pages on the network: who is answered, what, and over which TLS."""
