"""All accounts together: running sums, rankings, and the dashboard."""
