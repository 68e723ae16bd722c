"""Larger frames, of an exact size, in any amount of memory."""
