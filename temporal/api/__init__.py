"""Time travel over REST and GraphQL: parse, check access, one call, answer."""
