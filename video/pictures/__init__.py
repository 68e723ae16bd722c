"""Frames as files of their own, and as small animations."""
