"""The writer: commands come in over the bus, are decided, made durable and answered, one group at a time."""
