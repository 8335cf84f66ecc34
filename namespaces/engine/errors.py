"""What an engine says to its own callers, and to nobody else."""


class NotAnswered(Exception):
    """The event loop cannot tell; nothing has been written. Ask again where it is no harm to be held up."""
