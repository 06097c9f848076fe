"""Mutations: each declares its input, its command and its answer (declaration.py); batches have their own."""
