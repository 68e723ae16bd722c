"""Behaviour put on a clone of a MODEL, through the hooks that core offers for it."""
