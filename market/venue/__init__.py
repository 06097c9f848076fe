"""Whether the venue was stopped by hand: the state that processes follow, and the log of its changes."""
