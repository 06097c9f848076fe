"""How commands become durable: group commit, the sealing of batches, and the limits of both."""
