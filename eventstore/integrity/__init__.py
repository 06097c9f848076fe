"""Pure functions that make tampering evident: hashes, Merkle trees, chains, and the search for the place of damage."""
