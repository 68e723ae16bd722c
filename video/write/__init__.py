"""Frames into films, animations and numbered pictures."""
