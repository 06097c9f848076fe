"""Measurements of the platform: `python -m benchmarks [GROUP ...] [--json]`. Every performance claim comes from
here.
"""
