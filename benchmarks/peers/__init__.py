"""What the store is measured beside, in the same run, with the same trades."""
