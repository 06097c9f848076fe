"""One mutation per file, each: parse the input, send one command, answer with a success type or CommandRefused."""
