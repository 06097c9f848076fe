"""REST: the session of the browser, and the API keys of who is logged in."""
