"""Real servers for the tests: PostgreSQL, Valkey, a complete platform, a browser."""
