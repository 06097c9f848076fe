"""Whether this process lives, and whether what it needs is there: /api/health/live and /api/health/ready.

Start reading at views.py.
"""
