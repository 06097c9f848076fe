"""One mutation per file: a declaration of its input, its command and its answer (declaration.py), or a batch."""
