"""The views of the database that people, tools and queries read."""
