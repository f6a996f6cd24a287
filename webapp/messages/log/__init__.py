"""The log: one row a recipient, by any filter, in bounded time."""
