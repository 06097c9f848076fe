"""Who asks is proven with commands that are executed, too: on a store of the test's own."""

from accounts.tests.integration.conftest import store

__all__ = ["store"]
