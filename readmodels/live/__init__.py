"""Live portfolios over WebSocket: a snapshot, then changes with their versions."""
