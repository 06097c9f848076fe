"""Where batches are kept: one small port (base.py), one folder or module per engine; engines do not know one
another.
"""
