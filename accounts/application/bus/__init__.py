"""The command bus: one contract (ports.Bus), two transports: in this process, or to a writer process over ZeroMQ."""
