"""The web process: Django's handler, middleware, the page, sockets while servers are away."""
