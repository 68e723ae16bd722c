"""Frames between frames: which ones, from where, and what draws them."""
