"""A year of the market through the whole platform, and the books afterwards."""
