"""The outer ring: settings, wiring, the local stack, the venue. It may import everything; nothing imports it."""
