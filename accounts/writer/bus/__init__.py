"""The command bus: from whoever sends a command to the writer that owns its partition, and back."""
