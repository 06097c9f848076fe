"""Pure projections, one per table: events in, rows out. Each row is a dictionary of the table's columns."""
