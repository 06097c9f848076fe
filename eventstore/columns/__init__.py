"""How events become bytes and come back: the registry of stored types, the payload format, upcasting."""
