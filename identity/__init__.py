"""Who asks and what they may: users, roles on accounts, API keys, sign-in, rate limits, and how access ends."""
