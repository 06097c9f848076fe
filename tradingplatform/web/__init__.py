"""The web process: Django's handler, middleware, the page."""
