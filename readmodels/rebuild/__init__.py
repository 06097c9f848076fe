"""Making the read models again from the first event, beside the live ones."""
