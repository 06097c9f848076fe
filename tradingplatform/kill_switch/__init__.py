"""The kill switch: end everything that works, of an account, a user, a symbol or the whole firm, in one go."""
