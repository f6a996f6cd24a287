"""The one kind of failure that is told to a person as a plain sentence instead of a traceback."""


class StackError(Exception):
    """The stack cannot start or go on; the message says what is wrong and what to do, in one or two sentences."""
