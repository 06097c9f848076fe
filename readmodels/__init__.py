"""The query side: tables made from events, and everything that reads them. Drop them all and nothing is lost."""
