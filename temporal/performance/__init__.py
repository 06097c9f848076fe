"""Performance of an account by day, week or month."""
